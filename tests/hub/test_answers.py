"""From a mail by its link to the page that asks, and to what was done: over real HTTP."""

from __future__ import annotations

import http.client
import re
import ssl
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.adapters.web import BODY_AT_MOST, Web, WebError
from homeslot_hub.config import WebSettings
from homeslot_hub.model import Person
from homeslot_hub.rules.people import known
from homeslot_hub.service.alert_book import AlertDesk
from homeslot_hub.service.answers import Answers, BadForm
from homeslot_hub.service.decisions import Decisions
from homeslot_hub.service.links import Links
from homeslot_hub.service.window import Window

from ..system.tls import good
from .browsing import Fields, serving
from .evening import COORDINATOR, FOLLOWED, PRINCIPAL, TEACHER, Evening, local

URL = "https://hub.lincoln.example"
LINKS = Links(URL, "k" * 43, 7 * 86400)
WEB = WebSettings(URL, port=0)
LINK = re.compile(rf"^ *({URL}/a/\S+)$", re.MULTILINE)


@pytest.fixture
def evening(tmp_path):
    with closing(Evening(tmp_path, links=LINKS)) as evening:
        yield evening


@pytest.fixture
def browser(evening):
    @contextmanager
    def opened():
        with closing(SqliteStore(evening.store.path)) as store:
            desk = AlertDesk(store, SqliteAlerts(store))
            answers = Answers((evening.school,), desk, evening.clock())
            decisions = Decisions((evening.school,), None, evening.clock())
            yield Window(LINKS, answers, decisions, evening.clock())

    with serving(opened, WEB) as browser:
        yield browser


@pytest.fixture
def out(evening):
    """Two devices are out at the deadline; the link of the digest."""
    evening.slot(3, "empty")
    evening.slot(4, "empty")
    evening.run_to(local(17, 30))
    return link_of(evening, "C8")


def link_of(evening, rule, email=COORDINATOR):
    (notice,) = evening.notices(rule, email)
    (link,) = LINK.findall(notice.text)
    assert notice.html.count(link) == 1
    return link


def states(evening):
    return [alert.state for alert in evening.alerts.opened(FOLLOWED.name, "2026-11-01", "2026-12")]


def history(evening, number=1):
    return [(c.what, c.who, c.why) for c in evening.alerts.history(number)]


def test_the_page_asks_and_looking_at_it_changes_nothing(evening, browser, out):
    for method in ("GET", "GET", "HEAD"):
        browser.get(out, method)
    page = browser.get(out)
    assert page.status == 200
    assert "Cart 7 · Room 12 1 thing is wrong. Out 7-3, 7-4" in page.text
    assert page.ticked == ["1,2"]
    assert page.buttons == ["take", "later"]
    assert "This is the link of Dana Reyes <reyes@lincoln.example>." in page.text
    assert states(evening) == ["notified", "notified"]


def test_i_am_on_it_stands_in_the_history_in_the_persons_name_and_is_not_repeated(
    evening, browser, out
):
    page = browser.send(out, "take", ["1,2"], why_take="asking Ms Rivera")
    assert "Thank you, you are on it: 7-3, 7-4." in page.text
    assert "Acknowledged by Dana Reyes: asking Ms Rivera." in page.text
    assert "To undo it" in page.text
    assert page.ticked == []
    assert page.buttons == ["back", "later"]
    assert history(evening)[-1] == ("acknowledged", "Dana Reyes", "asking Ms Rivera")
    evening.run_to(local(21, 30))
    assert evening.notices("overnight", COORDINATOR) == []


def test_c12_an_alarm_has_a_link_by_which_it_is_taken_in_hand(evening, browser):
    evening.run_to(local(22, 30))
    cart = evening.cart
    evening.says(cart.event(thing, 0, "open") for thing in ("bolt", "door"))
    evening.run_to(local(22, 45), step_s=60)
    browser.send(link_of(evening, "alarm 22:40"), "take", ["1"], why_take="I am driving there")
    assert history(evening)[-1] == ("acknowledged", "Dana Reyes", "I am driving there")


def test_used_twice_it_says_what_stands_and_does_nothing_again(evening, browser, out):
    browser.send(out, "take", ["1,2"])
    before = history(evening)
    page = browser.send(out, "take", ["1,2"])
    assert (page.status, history(evening)) == (200, before)
    assert "Acknowledged by Dana Reyes." in page.text


def test_what_is_put_off_speaks_again_at_the_deadline_of_its_day(evening, browser, out):
    page = browser.send(out, "later", ["1,2"], why_later="field trip")  # the date that is there
    assert "Put off until Wed 18 Nov 17:00: 7-3, 7-4." in page.text
    assert "Snoozed until Wed 18 Nov 17:00 by Dana Reyes: field trip." in page.text
    assert [a.until_s for a in evening.alerts.opened(FOLLOWED.name, "2026-11", "2026-12")] == [
        local(17, day=18)
    ] * 2
    evening.run_to(local(21, 30, day=18))
    assert [n.day for n in evening.notices("overnight", COORDINATOR)] == ["2026-11-18"]


def test_on_a_friday_the_date_that_is_there_is_monday(tmp_path, evening, browser):
    evening.run_to(local(16, 50, day=20), step_s=900)
    evening.slot(3, "empty")
    evening.run_to(local(17, 30, day=20))
    (notice,) = [n for n in evening.notices("C8") if n.day == "2026-11-20"]
    page = browser.send(LINK.findall(notice.text)[0], "later", ["1"], why_later="weekend")
    assert "Put off until Mon 23 Nov 17:00" in page.text


def test_what_was_taken_on_can_be_given_back(evening, browser, out):
    browser.send(out, "take", ["1,2"])
    page = browser.send(out, "back", ["1,2"])
    assert "Given back: 7-3, 7-4." in page.text
    assert states(evening) == ["notified", "notified"]
    assert history(evening)[-1] == ("given back", "Dana Reyes", "by the link of a mail")
    evening.run_to(local(21, 30))
    assert "7-3, 7-4." in evening.text("overnight")


def test_what_is_right_again_is_said_and_cannot_be_taken_on(evening, browser, out):
    evening.home(3)
    evening.home(4)
    evening.run_to(local(17, 45))
    page = browser.get(out)
    assert "Nothing is wrong here any more." in page.text
    assert "7-3, 7-4 came home late at 17:30." in page.text
    assert (page.boxes, page.buttons) == ([], [])
    page = browser.send(out, "take", ["1,2"])
    assert "Nothing was left to do." in page.text
    assert states(evening) == ["resolved", "resolved"]


def test_of_two_the_one_that_came_home_meanwhile_is_left_alone(evening, browser, out):
    evening.home(3)
    evening.run_to(local(17, 45))
    page = browser.send(out, "take", ["1,2"])
    assert "you are on it: 7-4." in page.text
    assert states(evening) == ["resolved", "acknowledged"]


@pytest.mark.parametrize("rows", [["99"], ["1,99"], ["1", "x"], ["-1"], ["1;2"]])
def test_a_link_may_do_only_what_it_says(evening, browser, out, rows):
    page = browser.send(out, "take", rows)
    assert page.status == 400
    assert "nothing was done" in page.text
    assert states(evening) == ["notified", "notified"]


def test_a_link_of_one_cart_does_not_reach_another(tmp_path, browser, evening, out):
    other = LINKS.make("answer", FOLLOWED.name, "2026-11-17", 8, COORDINATOR, local(17))
    assert browser.get(other).boxes == []
    assert browser.send(other, "take", ["1"]).status == 400
    assert states(evening) == ["notified", "notified"]


def test_nor_what_was_opened_after_its_mail(evening, browser, out):
    evening.home(3)
    evening.home(4)
    evening.run_to(local(16, day=18), step_s=900)
    evening.slot(2, "empty")
    evening.run_to(local(18, day=18))
    assert states(evening) == ["resolved", "resolved", "notified"]
    assert browser.get(out).boxes == []
    assert browser.send(out, "take", ["3"]).status == 400


@pytest.mark.parametrize(
    ("do", "more", "said"),
    [
        ("take", {"why_take": "x" * 201}, "The reason is 'xxxxxxxxxxxxxxxxxxxx': allowed 1..200"),
        ("take", {"why_take": "a\nb"}, "allowed 1..200 printable characters"),
        ("later", {}, "The reason is '': allowed 1..200"),
        ("later", {"why_later": "x", "until": "soon"}, "The date is 'soon': allowed 2026-11-18 to"),
        ("later", {"why_later": "x", "until": "2026-11-17"}, "The date is '2026-11-17'"),
        ("later", {"why_later": "x", "until": "2027-11-17"}, "2026-11-18 to 2026-12-17."),
        ("fire", {}, "What to do is 'fire': allowed take, later, back."),
    ],
)
def test_a_wrong_form_is_refused_with_what_is_allowed_and_nothing_changes(
    evening, browser, out, do, more, said
):
    page = browser.send(out, do, ["1,2"], **more)
    assert page.status == 400
    assert said in page.text
    assert page.buttons == ["take", "later"]
    assert states(evening) == ["notified", "notified"]


TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["1", "1,2", "2026-11-18", "take", "later"])
)
NAMES = st.sampled_from(["do", "row", "until", "why-take", "why-later", "other"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(form=st.dictionaries(NAMES, st.lists(TEXTS, min_size=1, max_size=3)))
def test_whatever_form_is_sent_it_is_done_or_refused_in_words(evening, out, form):
    now_s = evening.clock()
    answers = Answers((FOLLOWED,), AlertDesk(evening.store, evening.alerts), now_s)
    link = LINKS.read(out.rpartition("/")[2], now_s)
    before = states(evening)
    try:
        sheet = answers.act(link, form)
    except BadForm as refused:
        assert str(refused)
        assert states(evening) == before
    else:
        assert sheet.said
        assert form["do"][0].strip() in ("take", "later", "back")


def test_nothing_ticked_is_nothing_done(evening, browser, out):
    page = browser.send(out, "take", [])
    assert (page.status, "Nothing was chosen" in page.text) == (400, True)


def test_a_form_that_is_too_long_or_none_is_refused(browser, out):
    for body, status in (
        (b"x" * (BODY_AT_MOST + 1), 413),
        (b"&".join([b"row=1"] * 300), 422),
        (b"why=\xff", 422),
        (b"why=%ff", 422),
    ):
        page = browser.post(out, body)
        assert page.status == status
        assert "Nothing was done" in page.text or "send it again" in page.text


def test_a_forged_a_broken_and_an_old_link_are_pages_that_say_so(evening, browser, out):
    for address in (f"{URL}/a/nonsense", out[:-5], out.replace("/a/W", "/a/X"), f"{out}x"):
        page = browser.get(address)
        assert page.status == 410
        assert "not one of this hub's" in page.text
    evening.clock.now_s += 7 * 86400
    page = browser.get(out)
    assert (page.status, "This link has ended." in page.text) == (410, True)
    assert browser.post(out, b"do=take&row=1").status == 410
    assert states(evening) == ["notified", "notified"]


@pytest.mark.parametrize("path", ["/", "/a/", "/docs", "/openapi.json", "/a/x/y", "/favicon.ico"])
def test_there_is_nothing_else(browser, path):
    page = browser.get(path)
    assert page.status == 404
    assert "There is nothing here" in page.text


def test_n6_a_link_ends_with_the_persons_role(evening, browser, out):
    evening.school = replace(FOLLOWED, coordinator=Person("New One", "new@lincoln.example"))
    page = browser.get(out)
    assert page.status == 410
    assert "does not name any more" in page.text
    assert browser.post(out, b"do=take&row=1").status == 410
    assert states(evening) == ["notified", "notified"]


def test_n6_who_a_person_is_to_a_school():
    school = replace(FOLLOWED, it=FOLLOWED.coordinator)
    assert known(school, COORDINATOR.upper()) == (
        school.coordinator,
        frozenset({"coordinator", "it"}),
    )
    assert known(school, PRINCIPAL.email) == (PRINCIPAL, frozenset({"principal"}))
    assert known(school, TEACHER) == (FOLLOWED.carts[0].teacher, frozenset({"teacher"}))
    assert known(school, "someone@else.example") is None


def test_every_answer_forbids_what_no_page_of_ours_needs(browser, out):
    for page in (browser.get(out), browser.get("/nothing"), browser.get(f"{URL}/a/x")):
        policy = page.headers["content-security-policy"]
        for part in ("default-src 'none'", "frame-ancestors 'none'", "form-action 'self'"):
            assert part in policy
        assert "unsafe" not in policy
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"
        assert "server" not in page.headers
        assert "<script" not in page.html
        assert "http" not in page.html.replace("http-equiv", "")


def test_whoever_asks_too_often_is_told_to_wait(browser):
    pages = [browser.get("/nothing") for _ in range(61)]
    assert [page.status for page in pages].count(429) == 1
    assert "Wait a minute" in pages[-1].text


def test_no_link_gets_into_the_log(browser, out, caplog):
    with caplog.at_level("DEBUG"):
        browser.get(out)
        browser.get(f"{out}x")
        browser.send(out, "take", ["1,2"])
        browser.post(out, b"\xff")
    assert out.rpartition("/")[2][:20] not in caplog.text


def test_a_store_that_cannot_be_used_is_a_page_and_an_error_in_the_log(
    evening, browser, out, caplog
):
    path = evening.store.path
    path.rename(path.with_suffix(".away"))
    path.mkdir()
    try:
        page = browser.get(out)
    finally:
        path.rmdir()
        path.with_suffix(".away").rename(path)
    assert (page.status, "Nothing was done" in page.text) == (503, True)
    assert "a page cannot be shown" in caplog.text


def test_a_port_that_is_taken_is_said(browser):
    with pytest.raises(WebError, match=f"127.0.0.1:{browser.port}: Address already in use"):
        Web(replace(WEB, port=browser.port), None)


def test_a_certificate_that_is_none_is_said(tmp_path):
    for name in ("hub.pem", "hub.key"):
        (tmp_path / name).write_text("nonsense")
    settings = replace(WEB, certificate_file=tmp_path / "hub.pem", key_file=tmp_path / "hub.key")
    with pytest.raises(WebError, match=r"hub\.pem cannot be used"):
        Web(settings, None)


def test_with_a_certificate_of_its_own_it_speaks_tls(tmp_path):
    files = good(tmp_path)
    assert files.listens is not None
    certificate, key = files.listens
    settings = replace(WEB, certificate_file=certificate, key_file=key)
    context = ssl.create_default_context(cafile=files.ca)
    with (
        serving(None, settings) as browser,
        closing(http.client.HTTPSConnection("127.0.0.1", browser.port, context=context)) as asked,
    ):
        asked.request("GET", "/")
        answer = asked.getresponse()
        assert (answer.status, b"There is nothing here" in answer.read()) == (404, True)


def test_a_link_to_lock_down_where_no_device_management_is_left_says_so(browser, out, evening):
    link = LINKS.make("lock-down", FOLLOWED.name, "2026-11-17", 0, COORDINATOR, evening.clock())
    page = browser.get(link)
    assert (page.status, "no device management any more" in page.text) == (410, True)


# The mails


def test_the_digest_says_who_has_what_in_hand(evening, browser, out):
    browser.send(out, "take", ["1,2"], why_take="in the repair shop")
    evening.run_to(local(18, day=18), step_s=900)
    (notice,) = [n for n in evening.notices("C8") if n.day == "2026-11-18"]
    said = "7-3, 7-4, acknowledged by Dana Reyes: in the repair shop."
    assert f"In hand: {said}" in " ".join(notice.text.split())
    assert f"In hand: {said}" in Fields(notice.html).text
    shown = evening.hub.digest(evening.days[-1])
    assert "In hand: 7-3, 7-4, acknowledged" in " ".join(shown.text.split())
    assert URL not in shown.text + shown.html


def test_each_letter_has_a_link_of_its_own_for_its_reader(evening, browser, out):
    evening.home(3)
    evening.run_to(local(7, 30, day=18))
    for rule, email in (
        ("late", COORDINATOR),
        ("overnight", COORDINATOR),
        ("overnight", PRINCIPAL.email),
    ):
        page = browser.get(link_of(evening, rule, email))
        assert f"<{email}>" in page.text
        assert "All carts 1 thing is wrong. Out 7-4" in page.text
    (morning,) = evening.notices("morning")
    assert URL not in morning.text + morning.html  # nothing in it that is not said elsewhere


def test_all_home_and_a_nudge_have_no_link(evening):
    evening.run_to(local(17, 30))
    evening.slot(3, "empty")
    evening.run_to(local(16, 45, day=18), step_s=300)
    notices = [*evening.notices("C8"), *evening.notices("nudge")]
    assert len(notices) == 2
    assert not any(URL in notice.text + notice.html for notice in notices)
