"""Delivery of the outbox: to files always, by mail once, whatever the mail server does."""

from __future__ import annotations

import email
import ssl
import stat
from contextlib import closing
from dataclasses import replace
from email.policy import default

import pytest
from aiosmtpd.smtp import AuthResult

from homeslot_hub.adapters.deliver import EXPIRES_S, Deliverer, compose_mail
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.service.ports import Notice

from ..system.tls import good
from .postbox import SENDER
from .reports import START_S, Clock

NOTICE = Notice(
    school="Lincoln Elementary",
    day="2026-11-17",
    rule="C8",
    name="Dana Reyes",
    email="reyes@lincoln.example",
    subject="Lincoln Elementary: 1 device out",
    text="7-12 is out — since 13:05.\n",
    html="<p>7-12 is out — since 13:05.</p>",
    created_s=START_S,
)
PASSWORD = "a-long-secret-of-the-mail-server"


@pytest.fixture
def clock():
    return Clock(START_S)


@pytest.fixture
def store(tmp_path):
    with closing(SqliteStore(tmp_path / "homeslot.db")) as store:
        yield store


@pytest.fixture
def deliverer(store, tmp_path, mail, clock):
    return Deliverer(store, tmp_path, mail, clock, timeout_s=0.5)


def put(store, *notices):
    with store.transaction():
        for notice in notices:
            store.settle(notice.school, notice.day, notice.rule, START_S, START_S)
            store.add_notice(notice)


def to(*names):
    return [replace(NOTICE, name=name, email=f"{name}@lincoln.example") for name in names]


def names(tmp_path):
    return sorted(path.name for path in (tmp_path / "digests").iterdir())


def test_without_a_mail_server_the_files_are_the_delivery(store, tmp_path, clock):
    put(store, NOTICE)
    deliverer = Deliverer(store, tmp_path, None, clock)
    assert deliverer.deliver_due() == 1
    stem = "2026-11-17-lincoln-elementary"
    assert names(tmp_path) == [f"{stem}.eml", f"{stem}.html", f"{stem}.txt"]
    folder = tmp_path / "digests"
    assert (folder / f"{stem}.txt").read_text("utf-8") == NOTICE.text
    assert (folder / f"{stem}.html").read_text("utf-8") == NOTICE.html
    kept = email.message_from_bytes((folder / f"{stem}.eml").read_bytes(), policy=default)
    assert kept["Subject"] == NOTICE.subject
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert store.pending_notices() == 0
    assert deliverer.deliver_due() == 0


def test_a_mail_goes_once_with_text_html_and_the_headers_of_a_machine(
    store, deliverer, postbox, clock
):
    put(store, NOTICE)
    with postbox.listening():
        clock.now_s += 5
        deliverer.deliver_due()
        deliverer.deliver_due()
    (mail,) = postbox.mails
    assert mail["To"] == "Dana Reyes <reyes@lincoln.example>"
    assert mail["From"] == "homeslot <hub@lincoln.example>"
    assert mail["Subject"] == NOTICE.subject
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime.timestamp() == START_S
    assert mail["Message-ID"].endswith("@lincoln.example>")
    assert mail.get_body(("plain",)).get_content().splitlines() == NOTICE.text.splitlines()
    assert mail.get_body(("html",)).get_content().strip() == NOTICE.html
    assert store.pending_notices() == 0


def test_the_same_notice_has_the_same_bytes_and_another_has_another_message_id():
    first, again = compose_mail(NOTICE, SENDER), compose_mail(NOTICE, SENDER)
    assert first.as_bytes() == again.as_bytes()
    (other,) = to("lee")
    assert compose_mail(other, SENDER)["Message-ID"] != first["Message-ID"]


def test_a_server_that_is_away_is_tried_again_later_and_the_mail_goes_once(
    store, deliverer, postbox, clock, tmp_path
):
    put(store, NOTICE)
    tried = []
    for minute in range(10):
        clock.now_s = START_S + 60 * minute
        before = store.notices_to_mail(clock.now_s)
        deliverer.deliver_due()
        tried += [minute] if before else []
    assert tried == [0, 1, 3, 7]  # a minute, two, four: the pause doubles
    assert len(names(tmp_path)) == 3
    with postbox.listening():
        clock.now_s += 3600
        deliverer.deliver_due()
        clock.now_s += 3600
        deliverer.deliver_due()
    assert len(postbox.mails) == 1


def test_the_pause_between_tries_has_a_cap(store, deliverer, clock):
    put(store, NOTICE)
    for _ in range(12):
        deliverer.deliver_due()
        clock.now_s += 3600
        assert store.notices_to_mail(clock.now_s)


def test_a_recipient_refused_for_good_becomes_a_dead_letter_at_once(store, deliverer, postbox):
    put(store, *to("gone", "lee"))
    postbox.answers["gone@lincoln.example"] = "550 no such mailbox"
    with postbox.listening():
        deliverer.deliver_due()
    (dead,) = store.dead_letters()
    assert (dead.notice.email, dead.error) == ("gone@lincoln.example", "550 no such mailbox")
    assert [mail["To"].addresses[0].username for mail in postbox.mails] == ["lee"]
    assert store.pending_notices() == 0


def test_a_mail_refused_for_good_becomes_a_dead_letter(store, deliverer, postbox):
    put(store, NOTICE)
    postbox.answers["DATA"] = "554 looks like spam"
    with postbox.listening():
        deliverer.deliver_due()
    assert store.dead_letters()[0].error == "554 looks like spam"


def test_a_recipient_refused_for_now_is_tried_again(store, deliverer, postbox, clock):
    put(store, NOTICE)
    postbox.answers[NOTICE.email] = "451 greylisted"
    with postbox.listening():
        deliverer.deliver_due()
        assert store.dead_letters() == []
        del postbox.answers[NOTICE.email]
        clock.now_s += 60
        deliverer.deliver_due()
    assert len(postbox.mails) == 1


def test_three_days_without_success_make_a_dead_letter(store, deliverer, clock):
    put(store, NOTICE)
    deliverer.deliver_due()
    clock.now_s += EXPIRES_S
    deliverer.deliver_due()
    (dead,) = store.dead_letters()
    assert "three days" in dead.error


def test_a_recipient_that_hangs_holds_up_neither_files_nor_the_others(
    store, deliverer, postbox, tmp_path
):
    slow, lee = to("slow", "lee")
    other = replace(lee, school="Gymnasium Süd")
    put(store, slow, lee, other)
    postbox.tarpit.add(slow.email)
    with postbox.listening():
        deliverer.deliver_due()
        assert len(names(tmp_path)) == 6
        assert postbox.mails == []
        deliverer.deliver_due()
    assert len(postbox.mails) == 2
    assert store.pending_notices() == 1


def test_a_server_that_says_nothing_is_left_alone_after_the_timeout(store, deliverer, postbox):
    put(store, *to("ann", "lee"))
    postbox._socket.listen()  # takes connections, never greets
    deliverer.deliver_due()
    assert store.notices_to_mail(START_S + 59) == []
    assert len(store.notices_to_mail(START_S + 60)) == 2


def test_a_crash_after_the_server_said_yes_sends_the_same_message_id_again(
    store, deliverer, postbox, clock, tmp_path, mail
):
    class Crashed(Exception):
        pass

    class Crashing(SqliteStore):
        def set_mailed(self, notice, now_s):
            raise Crashed

    put(store, NOTICE)
    with postbox.listening():
        with closing(Crashing(store.path)) as outbox, pytest.raises(Crashed):
            Deliverer(outbox, tmp_path, mail, clock).deliver_due()
        deliverer.deliver_due()
    first, again = postbox.mails
    assert first["Message-ID"] == again["Message-ID"]


def test_it_logs_in_and_its_password_stays_out_of_the_log(
    store, postbox, mail, clock, tmp_path, caplog
):
    secret = tmp_path / "mail-password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o600)
    seen = []

    def authenticate(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=len(seen) > 1, handled=False)

    postbox.auth = {
        "authenticator": authenticate,
        "auth_require_tls": False,
        "auth_exclude_mechanism": ["LOGIN"],
    }
    put(store, NOTICE)
    settings = replace(mail, user="hub", password_file=secret)
    deliverer = Deliverer(store, tmp_path, settings, clock)
    with caplog.at_level("DEBUG"), postbox.listening():
        deliverer.deliver_due()
        clock.now_s += 60
        deliverer.deliver_due()
    assert seen == [(b"hub", PASSWORD.encode())] * 2
    assert len(postbox.mails) == 1
    told = " ".join(r.getMessage() for r in caplog.records if r.name.startswith("homeslot"))
    assert "535" in told
    assert PASSWORD not in told


def test_a_secret_that_others_may_read_is_not_used(store, mail, postbox, clock, tmp_path):
    secret = tmp_path / "mail-password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    put(store, NOTICE)
    settings = replace(mail, user="hub", password_file=secret)
    with postbox.listening():
        assert Deliverer(store, tmp_path, settings, clock).deliver_due() == 1  # the files
    assert postbox.mails == []
    assert store.pending_notices() == 1


def test_a_server_without_starttls_gets_no_mail_in_the_clear(store, mail, postbox, clock, tmp_path):
    put(store, NOTICE)
    with postbox.listening():
        Deliverer(store, tmp_path, replace(mail, security="starttls"), clock).deliver_due()
    assert postbox.mails == []
    assert store.pending_notices() == 1


@pytest.fixture
def school_ca(tmp_path):
    """The CA of the school, and a mail server's context with a certificate by it."""
    files = good(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files.listens)
    return files.ca, context


def speak(postbox, security, context):
    if security == "tls":
        postbox.tls = context
    else:
        postbox.auth = {"tls_context": context, "require_starttls": True}


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_goes_through_tls_to_a_server_with_the_schools_certificate(
    store, mail, postbox, clock, tmp_path, security, school_ca
):
    ca, context = school_ca
    speak(postbox, security, context)
    put(store, NOTICE)
    with postbox.listening():
        settings = replace(mail, security=security, ca_file=ca)
        Deliverer(store, tmp_path, settings, clock).deliver_due()
    assert [mail["Subject"] for mail in postbox.mails] == [NOTICE.subject]
    assert store.pending_notices() == 0


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("trusted", ["this machine's", "another school's"])
def test_a_server_whose_certificate_is_not_trusted_gets_neither_mail_nor_password(
    store, mail, postbox, clock, tmp_path, security, trusted, school_ca, tmp_path_factory, caplog
):
    _, context = school_ca
    speak(postbox, security, context)
    secret = tmp_path / "mail-password"
    secret.touch(0o600)
    secret.write_text(PASSWORD)
    tried = []
    postbox.auth["authenticator"] = lambda *said: tried.append(said)
    other = None if trusted == "this machine's" else good(tmp_path_factory.mktemp("other")).ca
    put(store, NOTICE)
    with postbox.listening():
        settings = replace(mail, security=security, ca_file=other, user="hub", password_file=secret)
        Deliverer(store, tmp_path, settings, clock).deliver_due()
    assert (postbox.mails, tried) == ([], [])
    assert store.pending_notices() == 1
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text


def test_a_folder_that_cannot_be_used_does_not_keep_the_mail_back(
    store, deliverer, postbox, tmp_path
):
    put(store, NOTICE)
    (tmp_path / "digests").write_text("in the way")
    with postbox.listening(), pytest.raises(FileExistsError):
        deliverer.deliver_due()
    assert len(postbox.mails) == 1
    (tmp_path / "digests").unlink()
    assert deliverer.deliver_due() == 1
    assert store.pending_notices() == 0


def test_a_password_that_no_mail_server_takes_is_no_end_of_delivery(
    store, mail, postbox, clock, tmp_path
):
    secret = tmp_path / "mail-password"
    secret.touch(0o600)
    secret.write_text("Schlüssel")
    postbox.auth = {"authenticator": lambda *_: AuthResult(success=True), "auth_require_tls": False}
    put(store, NOTICE)
    with postbox.listening():
        Deliverer(
            store, tmp_path, replace(mail, user="hub", password_file=secret), clock
        ).deliver_due()
    assert store.pending_notices() == 1
