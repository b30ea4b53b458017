"""Webhooks: each notice once, signed, whatever the other side does."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from homeslot_hub.adapters.deliver import EXPIRES_S, Deliverer
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.adapters.webhooks import Webhook
from homeslot_hub.config import ConfigError, WebhookSettings, parse

from .reports import START_S
from .test_config import CART, LEAST
from .test_deliver import NOTICE, put

SECRET = "correct-horse-battery-staple"


class Receiver:
    """A real HTTP server: it keeps what it is sent and answers with `status`.

    While `hangs` it answers nothing until it is told to `go`.
    """

    def __init__(self):
        self.got = []
        self.status = 204
        self.hangs = False
        self.go = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.hangs:
                    receiver.go.wait(30)
                    return
                receiver.got.append((self.path, dict(self.headers), body))
                self.send_response(receiver.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *said):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook?token=very-secret"

    @contextmanager
    def listening(self):
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield self
        finally:
            self.go.set()
            self.server.shutdown()
            thread.join()
            self.server.server_close()


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


@pytest.fixture
def webhook(tmp_path, store, clock, receiver):
    settings = WebhookSettings("tickets", file_of(tmp_path, receiver.address, SECRET))
    return Webhook(store, settings, clock, timeout_s=0.3)


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


def test_what_was_sent_before_a_webhook_was_there_is_not_sent_to_it(
    tmp_path, store, clock, receiver
):
    put(store, NOTICE)
    settings = WebhookSettings("tickets", file_of(tmp_path, receiver.address, SECRET))
    later = replace(NOTICE, day="2026-11-18")
    Webhook(store, settings, clock)
    put(store, later)
    assert Webhook(store, settings, clock).deliver_due() == 1
    assert json.loads(receiver.got[0][2])["day"] == "2026-11-18"


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_a_refusal_for_good_is_a_dead_letter_at_once(webhook, store, receiver, clock, status):
    put(store, NOTICE)
    receiver.status = status
    webhook.deliver_due()
    (dead,) = store.dead_letters()
    assert (dead.notice.email, dead.error) == (
        NOTICE.email,
        f"webhook tickets: it answered {status}",
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


def test_one_that_hangs_delays_neither_mail_nor_another(
    webhook, store, receiver, clock, tmp_path, postbox, mail
):
    put(store, NOTICE)
    receiver.hangs = True
    hanging = threading.Thread(target=webhook.deliver_due)
    with Receiver().listening() as other, postbox.listening():
        (tmp_path / "other").mkdir()
        settings = WebhookSettings("other", file_of(tmp_path / "other", other.address, SECRET))
        with (
            closing(SqliteStore(store.path)) as its_store,
            closing(SqliteStore(store.path)) as outbox,
        ):
            another = Webhook(its_store, settings, clock)
            its_store.run("UPDATE webhook SET after = 0")
            slow = Webhook(store, WebhookSettings("slow", webhook._file), clock, timeout_s=20)
            store.run("UPDATE webhook SET after = 0")
            hanging = threading.Thread(target=slow.deliver_due)
            hanging.start()
            assert another.deliver_due() == 1
            Deliverer(outbox, tmp_path, mail, clock).deliver_due()
            assert len(postbox.mails) == 1
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
    webhook = Webhook(store, WebhookSettings("tickets", file), clock)
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
    webhook = Webhook(
        store, WebhookSettings("tickets", file_of(tmp_path, *lines, mode=mode)), clock
    )
    put(store, NOTICE)
    assert webhook.deliver_due() == 0
    assert "webhook tickets, notice 1: its file cannot be used" in caplog.text
    assert store.rows("SELECT state FROM push") == [("pending",)]


def test_webhooks_are_configured_by_name_and_file(tmp_path):
    text = '[[webhook]]\nname = "tickets"\nfile = "tickets.webhook"\n'
    settings = parse(text + LEAST + CART, tmp_path / "homeslot.toml")
    assert settings.webhooks == (WebhookSettings("tickets", tmp_path / "tickets.webhook"),)
    with pytest.raises(ConfigError, match=r"webhook\[2\]\.name"):
        parse(text + text + LEAST + CART, tmp_path / "homeslot.toml")
