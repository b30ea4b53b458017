"""Delivery of the outbox: each notice to files, and by mail where a mail server is configured.

Files first, so that no mail server can keep a digest from being read. A mail is tried again with
growing pauses while its server is away or says "later"; a server that refuses the recipient or the
mail for good, or three days without success, make it a dead letter, which stays visible. A crash
between the server's yes and its record sends the mail again, with the same Message-ID.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import smtplib
import ssl
import textwrap
from collections.abc import Callable
from datetime import UTC, date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from homeslot_hub.config import ConfigError, MailSettings, read_secret
from homeslot_hub.model import LATE_AFTER_S, Person
from homeslot_hub.rules import words
from homeslot_hub.service.ports import DIGEST, Notice, Outbox

TIMEOUT_S = 20.0
RETRY_S = 60  # doubles with each try
RETRY_AT_MOST_S = 3600
EXPIRES_S = 3 * 86400
_BODY = re.compile(r"<body[^>]*>")
_NOBODY = Person("homeslot", "homeslot@homeslot.invalid")
_log = logging.getLogger("homeslot.deliver")


class _Refused(Exception):
    """The server will never take this mail."""


class _NotNow(Exception):
    """This mail may be taken later."""


class Deliverer:
    """Delivers what is in `outbox` to `data`/digests and to the server of `mail`.

    `outbox` is a connection of its own where this runs in its own thread. `now_s` gives epoch s.
    """

    def __init__(
        self,
        outbox: Outbox,
        data: Path,
        mail: MailSettings | None,
        now_s: Callable[[], int],
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self._outbox = outbox
        self._folder = data / "digests"
        self._mail = mail
        self._now_s = now_s
        self._timeout_s = timeout_s

    def deliver_due(self) -> int:
        """Deliver what is due now; returns how many sets of files and mails went.

        Raises StoreError when the outbox, OSError when the folder cannot be used. Mail that does
        not go never raises: it is put off or buried. Waits at most a few timeouts of the server.
        """
        try:
            filed = self._file_due()
        finally:  # a folder that cannot be used must not keep the mail back either
            mailed = self._mail_due()
        return filed + mailed

    def mail_now(self, notice: Notice) -> bool:
        """Mail a notice that the outbox cannot take; whether the server took it. Never raises."""
        if self._mail is None:
            return False
        try:
            server = connect(self._mail, self._timeout_s)
            try:
                mail = compose_mail(notice, self._mail.sender)
                _send(server, mail, self._mail.sender.email, notice.email)
            finally:
                server.close()
        except (OSError, smtplib.SMTPException, ConfigError, UnicodeError) as error:
            _log.error("%s could not be mailed past the outbox: %s", notice.rule, _said(error))
            return False
        except (_Refused, _NotNow) as refused:
            _log.error("%s could not be mailed past the outbox: %s", notice.rule, refused)
            return False
        return True

    def _file_due(self) -> int:
        notices = self._outbox.notices_to_file()
        if notices:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for notice in notices:
            stem = f"{notice.day}-{words.slug(notice.school)}"
            if notice.rule != DIGEST:  # of which there is one a day
                stem += f"-{words.slug(notice.rule)}-{words.slug(notice.email)}"
            mail = compose_mail(notice, _NOBODY if self._mail is None else self._mail.sender)
            _write(self._folder / f"{stem}.txt", notice.text.encode())
            _write(self._folder / f"{stem}.html", notice.html.encode())
            _write(self._folder / f"{stem}.eml", mail.as_bytes(policy=SMTP))
            self._outbox.set_filed(notice, self._now_s())
        return len(notices)

    def _mail_due(self) -> int:
        now_s = self._now_s()
        notices = self._outbox.notices_to_mail(now_s)
        if self._mail is None:
            for notice in notices:
                self._outbox.set_unmailed(notice)
            return 0
        waiting = []
        for notice in notices:
            if notice.tries and now_s - notice.created_s >= EXPIRES_S:
                self._bury(notice, "given up after three days without success")
            elif notice.expires_s and now_s >= notice.expires_s:
                self._bury(notice, "given up: it would come too late to be of use")
            else:
                waiting.append(notice)
        return self._mail_all(waiting, self._mail) if waiting else 0

    def _mail_all(self, notices: list[Notice], mail: MailSettings) -> int:
        try:
            server = connect(mail, self._timeout_s)
        except (OSError, smtplib.SMTPException, ConfigError, UnicodeError) as error:
            # UnicodeError: smtplib takes no password beyond ASCII.
            for notice in notices:
                self._put_off(notice, _said(error))
            return 0
        sent = 0
        try:
            for notice in notices:
                sent += self._mail_one(server, mail, notice)
        except (OSError, smtplib.SMTPException) as error:
            # Only this one is put off: what hangs on one mail must not hold up the others.
            self._put_off(notice, _said(error))
        finally:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                server.quit()
            server.close()
        return sent

    def _mail_one(self, server: smtplib.SMTP, mail: MailSettings, notice: Notice) -> int:
        try:
            late_s = self._now_s() - max(notice.created_s, notice.after_s)
            letter = compose_mail(notice, mail.sender, late_s)
            _send(server, letter, mail.sender.email, notice.email)
        except _Refused as refused:
            self._bury(notice, str(refused))
            return 0
        except _NotNow as later:
            self._put_off(notice, str(later))
            return 0
        self._outbox.set_mailed(notice, self._now_s())
        return 1

    def _put_off(self, notice: Notice, error: str) -> None:
        pause_s = min(RETRY_S << min(notice.tries, 16), RETRY_AT_MOST_S)
        self._outbox.put_off(notice, self._now_s() + pause_s, error)
        _log.warning("mail of notice %d is put off for %d s: %s", notice.id, pause_s, error)

    def _bury(self, notice: Notice, error: str) -> None:
        self._outbox.bury(notice, error)
        _log.error("mail of notice %d is given up: %s", notice.id, error)


def drop_files(data: Path, before: date) -> int:
    """Delete the HTML and mails of days before `before` from `data`/digests; the texts stay.

    Returns how many. Raises OSError.
    """
    count = 0
    for path in sorted((data / "digests").glob("20??-??-??-*")):
        if path.suffix in (".html", ".eml") and path.name[:10] < before.isoformat():
            path.unlink(missing_ok=True)
            count += 1
    return count


def connect(mail: MailSettings, timeout_s: float) -> smtplib.SMTP:
    """A connection to the mail server that has taken our login.

    Raises OSError, smtplib.SMTPException, ConfigError, or UnicodeError: smtplib takes no password
    beyond ASCII.
    """
    context = ssl.create_default_context(cafile=mail.ca_file)
    if mail.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=timeout_s, context=context
        )
    else:
        server = smtplib.SMTP(mail.host, mail.port, timeout=timeout_s)
    try:
        if mail.security == "starttls":
            server.starttls(context=context)
        if mail.user is not None and mail.password_file is not None:
            server.login(mail.user, read_secret(mail.password_file))
    except BaseException:
        server.close()
        raise
    return server


def probe(mail: MailSettings, timeout_s: float) -> str | None:
    """Why the mail server cannot be used; None when it takes our login. Sends nothing."""
    try:
        server = connect(mail, timeout_s)
        with contextlib.suppress(OSError, smtplib.SMTPException):
            server.quit()
        server.close()
    except (OSError, smtplib.SMTPException, ConfigError, UnicodeError) as error:
        return _said(error)
    return None


def compose_mail(notice: Notice, sender: Person, late_s: int = 0) -> EmailMessage:
    """The mail of a notice: text and HTML. The same notice always has the same Message-ID.

    One that goes `late_s` after its time says so, where anyone would notice.
    """
    subject, text, html = notice.subject, notice.text, notice.html
    if late_s > LATE_AFTER_S:
        said = (
            f"This mail comes {late_s // 60} minutes late: no mail server took it before. It says "
            "how things stood when it was written."
        )
        subject = f"Late: {subject}"
        text = f"{textwrap.fill(said, 78)}\n\n{text}"
        html = _BODY.sub(lambda body: f"{body[0]}\n<p>{said}</p>", html, count=1)
    mail = EmailMessage()
    mail["From"] = Address(sender.name, addr_spec=sender.email)
    mail["To"] = Address(notice.name, addr_spec=notice.email)
    mail["Subject"] = subject
    mail["Date"] = format_datetime(datetime.fromtimestamp(notice.created_s, UTC))
    host = sender.email.rpartition("@")[2]
    mail["Message-ID"] = f"<{notice.identity}@{host}>"
    if notice.thread:
        mail["In-Reply-To"] = mail["References"] = f"<{notice.thread}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    mail.add_alternative(html, subtype="html")
    # The boundary too: the same notice is the same bytes, so two files of it can be compared.
    mail.set_boundary(f"=={notice.identity}==")
    return mail


def _send(server: smtplib.SMTP, mail: EmailMessage, sender: str, recipient: str) -> None:
    """Hand one mail over. Raises _Refused or _NotNow where it is about this mail alone."""
    try:
        server.send_message(mail, sender, [recipient])
    except smtplib.SMTPRecipientsRefused as error:
        code, text = error.recipients[recipient]
        raise _verdict(code)(_line(code, text)) from None
    except smtplib.SMTPDataError as error:
        raise _verdict(error.smtp_code)(_line(error.smtp_code, error.smtp_error)) from None


def _verdict(code: int) -> type[_Refused] | type[_NotNow]:
    return _Refused if 500 <= code < 600 else _NotNow


def _line(code: int, text: bytes | str) -> str:
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return _printable(f"{code} {said}")


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _line(error.smtp_code, error.smtp_error)
    return _printable(f"{type(error).__name__}: {error}")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text[:300])


def _write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, for its owner's eyes: digests name people."""
    part = path.with_name(path.name + ".part")
    with os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
