"""Channels besides mail: each notice once, whatever the other side does."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from homeslot_hub.adapters.deliver import EXPIRES_S, Deliverer
from homeslot_hub.adapters.push import Channel
from homeslot_hub.adapters.push_apprise import AppriseSender
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.adapters.webhooks import Webhook
from homeslot_hub.config import ChannelSettings, ConfigError, parse
from homeslot_hub.service.links import Links

from .receiver import Receiver
from .reports import START_S
from .test_config import CART, LEAST
from .test_deliver import NOTICE, put

SECRET = "correct-horse-battery-staple"


@pytest.fixture
def receiver():
    with Receiver().listening() as receiver:
        yield receiver


@pytest.fixture
def store(tmp_path):
    with closing(SqliteStore(tmp_path / "homeslot.db")) as store:
        yield store


def file_of(tmp_path, *lines, mode=0o600):
    path = tmp_path / "webhook"
    path.touch(mode)
    path.write_text("\n".join(lines))
    path.chmod(mode)
    return path


def posting(store, clock, file, name="tickets", to=None):
    """A channel that posts to the address in `file`."""
    settings = ChannelSettings(name, "webhook", file, to)
    return Channel(store, settings, Webhook(file, 20), clock)


@pytest.fixture
def file(tmp_path, receiver):
    return file_of(tmp_path, receiver.address, SECRET)


@pytest.fixture
def webhook(store, clock, file):
    return posting(store, clock, file)


def test_a_notice_is_sent_once_and_signed_over_its_moment_and_body(webhook, store, receiver, clock):
    put(store, NOTICE)
    clock.now_s += 7
    assert (webhook.deliver_due(), webhook.deliver_due()) == (1, 0)
    ((path, headers, body),) = receiver.got
    assert path == "/hook?token=very-secret"
    assert headers["Homeslot-Timestamp"] == str(START_S + 7)
    expected = hmac.new(SECRET.encode(), f"{START_S + 7}.".encode() + body, hashlib.sha256)
    assert headers["Homeslot-Signature"] == f"v1={expected.hexdigest()}"
    assert headers["Homeslot-Id"] == NOTICE.identity
    assert json.loads(body) == {
        "id": NOTICE.identity,
        "school": NOTICE.school,
        "day": NOTICE.day,
        "step": "C8",
        "to": {"name": NOTICE.name, "email": NOTICE.email},
        "subject": NOTICE.subject,
        "text": NOTICE.text,
        "created_s": START_S,
    }


def test_what_was_sent_before_a_channel_was_there_is_not_sent_to_it(store, clock, receiver, file):
    put(store, NOTICE)
    posting(store, clock, file)
    put(store, replace(NOTICE, day="2026-11-18"))
    assert posting(store, clock, file).deliver_due() == 1
    assert json.loads(receiver.got[0][2])["day"] == "2026-11-18"


def test_a_channel_of_one_person_gets_their_notices_only(store, clock, receiver, file):
    channel = posting(store, clock, file, to="lee@lincoln.example")
    put(store, NOTICE, replace(NOTICE, name="Lee", email="lee@lincoln.example"))
    assert channel.deliver_due() == 1
    assert json.loads(receiver.got[0][2])["to"]["name"] == "Lee"


def test_only_a_persons_own_channel_gets_the_links_of_their_mails(store, clock, receiver, file):
    link = Links("https://hub.x.org", "k" * 43, 60).make("answer", "L", "d", 7, "e", START_S)
    posting(store, clock, file)
    own = posting(store, clock, file, "own", to=NOTICE.email)
    put(store, replace(NOTICE, text=f"Cart 7: take it on:\n  {link}\n\nFine: cart 8.\n"))
    posting(store, clock, file).deliver_due()
    own.deliver_due()
    everyone, mine = (json.loads(body)["text"] for _, _, body in receiver.got)
    assert link in mine
    assert everyone == ("Cart 7: take it on:\n  by the link in the mail itself\n\nFine: cart 8.\n")


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_a_refusal_for_good_is_a_dead_letter_at_once(webhook, store, receiver, clock, status):
    put(store, NOTICE)
    receiver.status = status
    webhook.deliver_due()
    (dead,) = store.dead_letters()
    assert (dead.notice.email, dead.error) == (
        NOTICE.email,
        f"channel tickets: it answered {status}",
    )
    clock.now_s += 3600
    assert webhook.deliver_due() == 0
    assert len(receiver.got) == 1


@pytest.mark.parametrize("status", [302, 307, 408, 425, 429, 500, 503])
def test_everything_else_is_tried_again_and_no_redirect_is_followed(
    webhook, store, receiver, clock, status
):
    put(store, NOTICE)
    receiver.status = status
    tried = []
    for minute in range(8):
        clock.now_s = START_S + 60 * minute
        before = len(receiver.got)
        webhook.deliver_due()
        tried += [minute] * (len(receiver.got) - before)
    assert tried == [0, 1, 3, 7]
    assert {path for path, _, _ in receiver.got} == {"/hook?token=very-secret"}
    receiver.status = 200
    clock.now_s += 3600
    assert webhook.deliver_due() == 1
    assert store.dead_letters() == []


def test_three_days_without_success_make_a_dead_letter(webhook, store, receiver, clock):
    put(store, NOTICE)
    receiver.status = 500
    webhook.deliver_due()
    clock.now_s += EXPIRES_S
    webhook.deliver_due()
    assert "three days" in store.dead_letters()[0].error


def test_a_channel_that_hangs_delays_neither_mail_nor_another(
    store, receiver, clock, tmp_path, file, postbox, mail
):
    receiver.hangs = True
    (tmp_path / "other").mkdir()
    with Receiver().listening() as other, postbox.listening(), ExitStack() as opened:
        second, outbox = (opened.enter_context(closing(SqliteStore(store.path))) for _ in "12")
        slow = posting(store, clock, file)
        quick = posting(second, clock, file_of(tmp_path / "other", other.address, SECRET), "other")
        put(outbox, NOTICE)
        hanging = threading.Thread(target=slow.deliver_due)
        hanging.start()
        assert receiver.asked.wait(10)
        assert quick.deliver_due() == 1
        Deliverer(outbox, tmp_path, mail, clock).deliver_due()
        assert len(postbox.mails) == len(other.got) == 1
        assert hanging.is_alive()
        receiver.go.set()
        hanging.join(10)
    assert not hanging.is_alive()


def test_a_nudge_is_not_sent_when_it_is_too_late(webhook, store, clock):
    put(store, replace(NOTICE, rule="nudge", expires_s=START_S + 60))
    clock.now_s += 60
    assert webhook.deliver_due() == 0


def test_neither_address_nor_secret_gets_into_the_log_or_the_store(store, clock, tmp_path, caplog):
    file = file_of(tmp_path, "http://127.0.0.1:1/hook?token=very-secret", SECRET)
    webhook = posting(store, clock, file)
    put(store, NOTICE)
    with caplog.at_level("DEBUG"):
        webhook.deliver_due()
    kept = str(store.rows("SELECT * FROM push")) + caplog.text
    assert "it cannot be reached: Connection refused" in kept
    assert "very-secret" not in kept
    assert SECRET not in kept


@pytest.mark.parametrize(
    ("lines", "mode"),
    [
        ((), 0o600),
        (("https://x.org/hook",), 0o600),
        (("ftp://x.org/hook", SECRET), 0o600),
        (("https://user:word@x.org/hook", SECRET), 0o600),
        (("https://x.org:99999/hook", SECRET), 0o600),
        (("https://x.org/hook", SECRET), 0o644),
    ],
)
def test_a_file_that_cannot_be_used_is_said_and_the_notice_waits(
    store, clock, tmp_path, lines, mode, caplog
):
    webhook = posting(store, clock, file_of(tmp_path, *lines, mode=mode))
    put(store, NOTICE)
    assert webhook.deliver_due() == 0
    assert "channel tickets, notice 1: its file cannot be used" in caplog.text
    assert store.rows("SELECT state FROM push") == [("pending",)]


def by_apprise(store, clock, file, timeout_s=20):
    settings = ChannelSettings("chat", "apprise", file)
    return Channel(store, settings, AppriseSender(file, timeout_s), clock)


def test_by_apprise_a_service_gets_subject_and_text(store, clock, tmp_path, receiver, caplog):
    address = receiver.address.replace("http://", "json://")
    channel = by_apprise(store, clock, file_of(tmp_path, address))
    put(store, NOTICE)
    with caplog.at_level("DEBUG"):
        assert (channel.deliver_due(), channel.deliver_due()) == (1, 0)
    said = json.loads(receiver.got[0][2])
    assert (said["title"], said["message"].strip()) == (NOTICE.subject, NOTICE.text.strip())
    assert not [record for record in caplog.records if record.name.startswith("apprise")]


@pytest.mark.parametrize("address", ["nonsense", "json://127.0.0.1:1/very-secret"])
def test_what_apprise_cannot_send_is_tried_again(store, clock, tmp_path, address, caplog):
    channel = by_apprise(store, clock, file_of(tmp_path, address))
    put(store, NOTICE)
    assert channel.deliver_due() == 0
    assert store.rows("SELECT state, tries FROM push") == [("pending", 1)]
    assert "the service did not take it" in caplog.text
    assert "very-secret" not in caplog.text


def test_apprise_that_hangs_is_left_after_its_time_and_not_begun_again_meanwhile(
    store, clock, tmp_path, receiver
):
    receiver.hangs = True
    address = receiver.address.replace("http://", "json://") + "&rto=30"
    channel = by_apprise(store, clock, file_of(tmp_path, address), timeout_s=0.2)
    put(store, NOTICE)
    assert channel.deliver_due() == 0
    clock.now_s += 60
    assert channel.deliver_due() == 0
    assert store.rows("SELECT tries, error FROM push") == [(2, "it still hangs on the one before")]
    receiver.go.set()
    for thread in threading.enumerate():
        if thread.name == "apprise":
            thread.join(10)


def test_channels_are_configured_by_name_kind_and_file(tmp_path):
    text = """
[[channel]]
name = "tickets"
kind = "webhook"
file = "tickets.webhook"
to = "Ann Lee <ann@x.org>"
"""
    settings = parse(text + LEAST + CART, tmp_path / "homeslot.toml")
    file = tmp_path / "tickets.webhook"
    assert settings.channels == (ChannelSettings("tickets", "webhook", file, "ann@x.org"),)
    with pytest.raises(ConfigError, match=r"channel\[2\]\.name"):
        parse(text + text + LEAST + CART, tmp_path / "homeslot.toml")
