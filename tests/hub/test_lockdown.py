"""C11 from an evening to the device management: prepared, confirmed, sent, taken back."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

import pytest

from homeslot_hub.adapters.deliver import EXPIRES_S
from homeslot_hub.adapters.mdm import Mdm
from homeslot_hub.config import ConfigError, MdmSettings, parse
from homeslot_hub.model import Person
from homeslot_hub.rules.lockdown import IllegalOrder
from homeslot_hub.service.alert_book import AlertDesk
from homeslot_hub.service.answers import Answers
from homeslot_hub.service.decisions import Decisions
from homeslot_hub.service.lockdowns import UnknownOrder
from homeslot_hub.service.window import Window

from .browsing import serving
from .evening import COORDINATOR, FOLLOWED, PRINCIPAL, TEACHER, Evening, local
from .receiver import Receiver
from .test_answers import LINKS, URL, WEB
from .test_channels import SECRET, file_of
from .test_config import CART, LEAST

IT = Person("Ivo Tran", "tran@lincoln.example")
SCHOOL = replace(FOLLOWED, it=IT)
LINK = re.compile(rf"Decide about it:\s+({URL}/a/\S+)")
WHY = "not found in any room"


@pytest.fixture
def evening(tmp_path):
    with closing(Evening(tmp_path, SCHOOL, links=LINKS, managed=True)) as evening:
        evening.tags(slot_1="LE-0701", slot_3="LE-0703")
        yield evening


@pytest.fixture
def receiver():
    with Receiver().listening() as receiver:
        yield receiver


@pytest.fixture
def beside(evening):
    """What a page or the device management's thread makes: a hub of its own on the same file."""
    with ExitStack() as opened:

        def made():
            return opened.enter_context(closing(Evening.beside(evening))).hub.lock_downs

        yield made


@pytest.fixture
def mdm(evening, tmp_path, receiver, beside):
    file = file_of(tmp_path, receiver.address, SECRET)
    return Mdm(MdmSettings(file), beside, evening.clock, timeout_s=5)


@pytest.fixture
def prepared(evening):
    """An evening on which 7-3 (with a tag) and 7-4 (without one) are out."""
    evening.slot(3, "empty")
    evening.slot(4, "empty")
    evening.run_to(local(21, 5))
    return evening.hub.lock_downs


def states(lock_downs):
    return [(o.device, o.action, o.state) for o in lock_downs.orders(SCHOOL.name)]


def history(evening, number=1):
    return [
        (c.what, c.who, c.why)
        for c in evening.alerts.history(number)
        if "lock" in c.what and not c.what.startswith("told")
    ]


def confirm(evening, *numbers):
    return evening.hub.lock_downs.confirm(numbers or (1,), "Pat Kim", WHY, evening.clock())


def withdraw(evening, *numbers):
    return evening.hub.lock_downs.withdraw(numbers or (1,), "Pat Kim", WHY, evening.clock())


def said(receiver):
    return [json.loads(body) for _, _, body in receiver.got]


def test_c11_overnight_a_lock_is_prepared_for_what_has_a_tag_and_the_rest_is_named(
    evening, prepared
):
    assert states(prepared) == [("7-3", "lock", "prepared")]
    for email in (COORDINATOR, PRINCIPAL.email, IT.email):
        text = evening.text("overnight", email)
        assert "LOCK-DOWN PREPARED, NOT SENT. - 7-3. Next: Nothing has been sent" in text
        assert "CANNOT BE LOCKED DOWN: NO ASSET TAG. - 7-4." in text
        (notice,) = evening.notices("overnight", email)
        assert len(LINK.findall(notice.text)) == 1
        assert "Decide about it</a>" in notice.html
    assert history(evening) == [("lock-down prepared", "", "")]


def test_c11_it_is_not_written_to_while_there_is_nothing_to_decide(evening):
    evening.slot(4, "empty")  # no tag
    evening.run_to(local(21, 5))
    assert [n.email for n in evening.notices("overnight")] == [COORDINATOR, PRINCIPAL.email]
    assert "Decide about it" not in evening.text("overnight")


def test_c11_nothing_is_sent_before_a_person_confirms_and_then_once_and_signed(
    evening, prepared, mdm, receiver
):
    evening.run_to(local(21, 30))
    assert (mdm.deliver_due(), receiver.got) == (0, [])
    assert confirm(evening).refused == ()
    assert (mdm.deliver_due(), mdm.deliver_due()) == (1, 0)
    ((_, headers, body),) = receiver.got
    stamp = headers["Homeslot-Timestamp"]
    expected = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256)
    assert headers["Homeslot-Signature"] == f"v1={expected.hexdigest()}"
    assert json.loads(body) == {
        "id": headers["Homeslot-Id"],
        "action": "lock",
        "asset_tag": "LE-0703",
        "device": "7-3",
        "school": SCHOOL.name,
    }
    assert history(evening) == [
        ("lock-down prepared", "", ""),
        ("lock-down confirmed", "Pat Kim", WHY),
        ("lock-down sent to the device management", "", ""),
    ]


def test_c11_a_device_that_is_home_when_it_is_confirmed_is_not_locked(evening, prepared, mdm):
    evening.home(3)  # and no step has looked since
    done = confirm(evening)
    assert (done.orders, done.refused) == ((), ("7-3 is not locked: it is home.",))
    evening.run_to(local(21, 30))
    assert states(prepared) == [("7-3", "lock", "withdrawn")]
    assert history(evening)[-1] == ("lock-down withdrawn: it is home", "", "")
    assert mdm.deliver_due() == 0
    with pytest.raises(IllegalOrder):
        confirm(evening)


def test_c11_nor_is_one_that_comes_home_while_the_device_management_is_away(
    evening, prepared, mdm, receiver
):
    receiver.status = 503
    confirm(evening)
    assert mdm.deliver_due() == 0
    evening.home(3)
    evening.clock.now_s += 60
    receiver.status = 200
    assert mdm.deliver_due() == 0
    assert states(prepared) == [("7-3", "lock", "withdrawn")]
    assert len(receiver.got) == 1  # the one that was not taken


def test_c11_nor_is_one_that_comes_home_while_another_hangs(evening, prepared, mdm, receiver):
    evening.slot(1, "empty")
    evening.run_to(local(21, 5, day=18), step_s=600)
    assert [one[0] for one in states(prepared)] == ["7-3", "7-1"]
    confirm(evening, 1, 2)
    receiver.meanwhile = lambda: evening.home(1)
    assert mdm.deliver_due() == 1
    assert states(prepared) == [("7-3", "lock", "sent"), ("7-1", "lock", "withdrawn")]
    assert [one["device"] for one in said(receiver)] == ["7-3"]


def test_c11_what_is_not_known_to_be_out_now_is_not_locked(evening, prepared):
    evening.silent.add(evening.cart.controller)
    evening.run_to(local(21, 40))
    assert confirm(evening).refused == (
        "7-3 is not locked: it is not known to be out now, but unknown.",
    )
    assert states(prepared) == [("7-3", "lock", "prepared")]


def test_c11_a_device_whose_tag_has_changed_since_is_not_locked(evening, prepared):
    evening.tags(slot_3="LE-9999")
    (refused,) = confirm(evening).refused
    assert refused == "7-3 is not locked: its asset tag was LE-0703, and is LE-9999 now."


def test_c11_a_locked_device_that_comes_home_is_unlocked_after_a_persons_word(
    evening, prepared, mdm, receiver
):
    confirm(evening)
    mdm.deliver_due()
    evening.home(3)
    evening.run_to(local(7, 20, day=18), step_s=300)
    assert states(prepared) == [("7-3", "lock", "sent"), ("7-3", "unlock", "prepared")]
    assert mdm.deliver_due() == 0
    morning = evening.text("morning")
    assert "LOCKED, AND IN THEIR SLOTS AGAIN. - 7-3." in morning
    confirm(evening, 2)
    assert mdm.deliver_due() == 1
    assert [(one["action"], one["asset_tag"]) for one in said(receiver)] == [
        ("lock", "LE-0703"),
        ("unlock", "LE-0703"),
    ]
    assert receiver.got[0][1]["Homeslot-Id"] != receiver.got[1][1]["Homeslot-Id"]
    assert history(evening)[-3:] == [
        ("unlock prepared", "", ""),
        ("unlock confirmed", "Pat Kim", WHY),
        ("unlock sent to the device management", "", ""),
    ]


def test_c11_a_device_that_was_found_elsewhere_is_unlocked_by_withdrawing(
    evening, prepared, mdm, receiver
):
    confirm(evening)
    mdm.deliver_due()
    assert [(o.action, o.state) for o in withdraw(evening).orders] == [("unlock", "confirmed")]
    mdm.deliver_due()
    assert [one["action"] for one in said(receiver)] == ["lock", "unlock"]


def test_c11_what_is_withdrawn_before_it_is_sent_is_not_sent_and_asked_again_next_evening(
    evening, prepared, mdm, receiver
):
    confirm(evening)
    withdraw(evening)
    assert (mdm.deliver_due(), receiver.got) == (0, [])
    evening.run_to(local(21, 5, day=18), step_s=600)
    assert states(prepared) == [("7-3", "lock", "withdrawn"), ("7-3", "lock", "prepared")]


def test_c11_what_was_on_its_way_when_it_was_withdrawn_has_its_unlock_prepared(evening, prepared):
    confirm(evening)
    (order,) = prepared.due(evening.clock())
    withdraw(evening)
    prepared.taken(order, evening.clock())
    assert states(prepared) == [("7-3", "lock", "sent"), ("7-3", "unlock", "prepared")]


def test_c11_one_that_is_locked_is_not_asked_again(evening, prepared, mdm):
    confirm(evening)
    mdm.deliver_due()
    evening.run_to(local(21, 5, day=18), step_s=600)
    assert states(prepared) == [("7-3", "lock", "sent")]
    assert all(n.day == "2026-11-17" for n in evening.notices("overnight", IT.email))


def test_c11_a_refusal_is_given_up_visibly_and_may_be_confirmed_again(
    evening, prepared, mdm, receiver, caplog
):
    confirm(evening)
    receiver.status = 404
    mdm.deliver_due()
    (order,) = prepared.orders(SCHOOL.name)
    assert (order.state, order.error) == ("given up", "it answered 404")
    assert "order 1 is given up: it answered 404" in caplog.text
    assert history(evening)[-1] == ("lock-down given up: it answered 404", "", "")
    receiver.status = 200
    confirm(evening)
    assert mdm.deliver_due() == 1


def test_c11_it_is_tried_again_with_growing_pauses_for_three_days(
    evening, prepared, mdm, receiver, caplog
):
    receiver.status = 500
    confirm(evening)
    began_s, tried = evening.clock(), []
    for minute in range(8):
        evening.clock.now_s = began_s + 60 * minute
        before = len(receiver.got)
        mdm.deliver_due()
        tried += [minute] * (len(receiver.got) - before)
    assert tried == [0, 1, 3, 7]
    assert len({headers["Homeslot-Id"] for _, headers, _ in receiver.got}) == 1
    evening.clock.now_s = began_s + EXPIRES_S
    mdm.deliver_due()
    (order,) = prepared.orders(SCHOOL.name)
    assert (order.state, order.error) == ("given up", "given up after three days without success")
    assert "very-secret" not in caplog.text
    assert SECRET not in caplog.text


def test_c11_the_payload_is_the_schools_own(evening, prepared, tmp_path, receiver):
    file = file_of(tmp_path, receiver.address, SECRET)
    payload = {"command": "{action}", "where": "tag:{tag}", "note": "device {number} {{sic}}"}
    settings = MdmSettings(file, "EnableLostMode", "DisableLostMode", payload)
    confirm(evening)
    Mdm(settings, lambda: prepared, evening.clock).deliver_due()
    assert said(receiver) == [
        {"command": "EnableLostMode", "where": "tag:LE-0703", "note": "device 7-3 {sic}"}
    ]


def test_c11_an_unknown_number_confirms_nothing(evening, prepared):
    for act in (confirm, withdraw):
        with pytest.raises(UnknownOrder, match="there is no lock-down 99"):
            act(evening, 1, 99)
    assert states(prepared) == [("7-3", "lock", "prepared")]


def test_c11_it_need_not_be_told_the_end_of_an_alert_for_it_to_be_over(evening, prepared):
    evening.home(3)
    evening.home(4)
    evening.run_to(local(21, 5, day=18), step_s=600)
    assert len(evening.notices("overnight", IT.email)) == 1
    alerts = evening.alerts.opened(SCHOOL.name, "2026-11-17", "2026-11-17")
    assert [alert.over for alert in alerts] == [True, True]


# By the link of a mail


@pytest.fixture
def browser(evening):
    @contextmanager
    def opened():
        with closing(Evening.beside(evening)) as other:
            desk = AlertDesk(other.store, other.alerts)
            schools, now_s = (evening.school,), evening.clock()
            decisions = Decisions(schools, other.hub.lock_downs, now_s)
            yield Window(LINKS, Answers(schools, desk, now_s), decisions, now_s)

    with serving(opened, WEB) as browser:
        yield browser


def link(evening, email=PRINCIPAL.email):
    (notice,) = evening.notices("overnight", email)
    return LINK.findall(notice.text)[0]


def test_c11_the_page_asks_and_ticks_nothing(evening, prepared, browser):
    page = browser.get(link(evening))
    assert "Lock-down 1 device waits for your word." in page.text
    assert "7-3 (tag LE-0703) has been out of its slot since 15:00." in page.text
    assert "Lock-down prepared 21:00, for the asset tag LE-0703." in page.text
    assert (page.boxes, page.ticked, page.buttons) == (["1"], [], ["send", "keep"])
    assert states(prepared) == [("7-3", "lock", "prepared")]
    assert browser.send(link(evening), "send", []).status == 400


def test_c11_by_the_link_a_person_has_it_sent_in_their_name(
    evening, prepared, browser, mdm, receiver
):
    page = browser.send(link(evening), "send", ["1"], why_send=WHY)
    assert "Will be locked: 7-3." in page.text
    assert "on its way" in page.text
    assert history(evening)[-1] == ("lock-down confirmed", "Pat Kim", WHY)
    mdm.deliver_due()
    page = browser.send(link(evening), "send", ["1"])
    assert "Nothing was left to do." in page.text
    page = browser.send(link(evening), "keep", ["1"])
    assert "Will be unlocked: 7-3." in page.text
    mdm.deliver_due()
    assert [one["action"] for one in said(receiver)] == ["lock", "unlock"]


def test_c11_by_the_link_a_person_says_no(evening, prepared, browser, mdm):
    page = browser.send(link(evening), "keep", ["1"])
    assert "Not locked: 7-3." in page.text
    assert states(prepared) == [("7-3", "lock", "withdrawn")]
    assert mdm.deliver_due() == 0


def test_c11_the_page_says_why_a_device_is_not_locked(evening, prepared, browser):
    evening.home(3)
    page = browser.send(link(evening), "send", ["1"])
    assert "7-3 is not locked: it is home." in page.text
    assert states(prepared) == [("7-3", "lock", "prepared")]


@pytest.mark.parametrize("email", [TEACHER, "someone@else.example"])
def test_c11_n6_only_coordinator_principal_and_it_may_decide(
    evening, prepared, browser, email, receiver
):
    forged = LINKS.make("lock-down", SCHOOL.name, "2026-11-17", 0, email, evening.clock())
    assert browser.get(forged).status == 410
    assert browser.post(forged, b"do=send&row=1").status == 410
    assert states(prepared) == [("7-3", "lock", "prepared")]


def test_c11_a_link_to_answer_cannot_lock(evening, prepared, browser):
    answer = LINKS.make("answer", SCHOOL.name, "2026-11-17", 0, PRINCIPAL.email, evening.clock())
    assert browser.send(answer, "send", ["1"]).status == 400
    other = LINKS.make("lock-down", "Another", "2026-11-17", 0, PRINCIPAL.email, evening.clock())
    assert browser.post(other, b"do=send&row=1").status == 410
    before = LINKS.make("lock-down", SCHOOL.name, "2026-11-16", 0, PRINCIPAL.email, evening.clock())
    assert browser.post(before, b"do=send&row=1").status == 400
    assert states(prepared) == [("7-3", "lock", "prepared")]


# Its configuration

MDM = """
[mdm]
file = "mdm.webhook"
lock = "EnableLostMode"
unlock = "DisableLostMode"
[mdm.payload]
tag = "{tag}"
do = "{action}"
"""


def test_c11_the_device_management_is_configured_by_a_file_and_a_payload(tmp_path):
    settings = parse(MDM + LEAST + CART, tmp_path / "homeslot.toml")
    assert settings.mdm == MdmSettings(
        tmp_path / "mdm.webhook",
        "EnableLostMode",
        "DisableLostMode",
        {"tag": "{tag}", "do": "{action}"},
    )
    assert parse(LEAST, tmp_path / "homeslot.toml").mdm is None
    least = parse('[mdm]\nfile = "x"\n' + LEAST, tmp_path / "homeslot.toml").mdm
    assert least == MdmSettings(tmp_path / "x")


@pytest.mark.parametrize(
    "text", ["{student}", "{tag.__class__}", "{tag!r}", "{", "{0}", "{tag:>9}"]
)
def test_c11_a_payload_of_what_is_not_there_is_refused(tmp_path, text):
    with pytest.raises(ConfigError) as refused:
        parse(MDM.replace("{tag}", text) + LEAST, tmp_path / "homeslot.toml")
    (problem,) = refused.value.problems
    assert problem.key == "mdm.payload.tag"
    assert "{id}, {action}, {tag}, {number}, {school}" in problem.allowed
