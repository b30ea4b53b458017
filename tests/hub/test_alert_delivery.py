"""From an evening to real mailboxes: each person each notice once, whatever its server does."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack, closing

from homeslot_hub.adapters.deliver import Deliverer
from homeslot_hub.adapters.push import Channel
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.adapters.webhooks import Webhook
from homeslot_hub.config import ChannelSettings

from .evening import COORDINATOR, PRINCIPAL, TEACHER, local
from .receiver import Receiver


def lived(evening, deliverer, until_s):
    while evening.clock.now_s < until_s:
        evening.run_to(evening.clock.now_s + 600)
        deliverer.deliver_due()


def test_a_mail_server_away_for_two_hours_around_the_deadline_sends_each_notice_once(
    evening,
    tmp_path,
    postbox,
    mail,
):
    deliverer = Deliverer(evening.store, tmp_path, mail, evening.clock, timeout_s=0.5)
    evening.slot(3, "empty")
    lived(evening, deliverer, local(18))
    assert postbox.mails == []
    with postbox.listening():
        lived(evening, deliverer, local(21, 30))
    to = [(m["To"].addresses[0].addr_spec, m["Subject"]) for m in postbox.mails]
    assert len(set(to)) == len(to)
    assert sorted(email for email, _ in to) == sorted([COORDINATOR] * 2 + [PRINCIPAL.email])
    (digest,) = [m for m in postbox.mails if "17:00" in m["Subject"]]
    assert digest["Subject"].startswith("Late: ")
    assert digest["Date"].datetime.timestamp() == local(17, 5)
    for part in ("plain", "html"):
        said = " ".join(digest.get_body((part,)).get_content().split())
        assert re.search(r"This mail comes \d+ minutes late: no mail server took it before", said)
    (overnight,) = [m for m in postbox.mails if m["In-Reply-To"]]
    assert overnight["In-Reply-To"] == overnight["References"] == digest["Message-ID"]
    assert overnight["Subject"].startswith("Lincoln Elementary, Tue 17 Nov: 1 device missing")
    (nudge,) = evening.store.dead_letters()  # after the deadline it helps nobody
    assert (nudge.notice.email, nudge.notice.rule) == (TEACHER, "nudge")
    assert evening.store.pending_notices() == 0


def test_the_files_of_a_days_steps_do_not_overwrite_its_digest(evening, tmp_path):
    deliverer = Deliverer(evening.store, tmp_path, None, evening.clock)
    evening.slot(3, "empty")
    lived(evening, deliverer, local(21, 30))
    stem = "2026-11-17-lincoln-elementary"
    assert sorted(path.name for path in (tmp_path / "digests").glob("*.txt")) == [
        f"{stem}-nudge-rivera-lincoln-example.txt",
        f"{stem}-overnight-kim-lincoln-example.txt",
        f"{stem}-overnight-reyes-lincoln-example.txt",
        f"{stem}.txt",
    ]
    assert "OUT. 7-3 has been out" in (tmp_path / "digests" / f"{stem}.txt").read_text()


def test_a_channel_that_hangs_all_evening_and_a_dead_mail_server_cost_nobody_their_digest(
    evening, tmp_path, postbox, mail
):
    """Line 5 as one: no mail server from 16:00 to 18:00, and a webhook that never answers."""
    file = tmp_path / "webhook"
    file.touch(0o600)
    deliverer = Deliverer(evening.store, tmp_path, mail, evening.clock, timeout_s=0.5)
    with ExitStack() as opened:
        receiver = opened.enter_context(Receiver().listening())
        receiver.hangs = True
        file.write_text(f"{receiver.address}\n{'s' * 40}\n")
        store = opened.enter_context(closing(SqliteStore(evening.store.path)))
        settings = ChannelSettings("slow", "webhook", file)
        channel = Channel(store, settings, Webhook(file), evening.clock)
        evening.slot(3, "empty")
        lived(evening, deliverer, local(16, 40))  # the nudge is out, and waits
        hanging = threading.Thread(target=channel.deliver_due)
        hanging.start()
        assert receiver.asked.wait(10)
        lived(evening, deliverer, local(18))
        assert postbox.mails == []
        with postbox.listening():
            lived(evening, deliverer, local(18, 40))
        assert hanging.is_alive(), "it hung all the time"
        receiver.go.set()
        hanging.join(10)
    (digest,) = [m for m in postbox.mails if m["To"].addresses[0].addr_spec == COORDINATOR]
    assert digest["Subject"].startswith("Late: Lincoln Elementary, Tue 17 Nov, 17:00: 1 device out")
    assert len({(m["To"], m["Subject"]) for m in postbox.mails}) == len(postbox.mails)


def test_c12_an_alarm_is_mailed_in_the_quiet_hours_and_that_all_is_right_after_them(
    evening, tmp_path, postbox, mail
):
    deliverer = Deliverer(evening.store, tmp_path, mail, evening.clock)
    with postbox.listening():
        lived(evening, deliverer, local(23))
        evening.says([evening.cart.event("bolt", 0, "open"), evening.cart.event("door", 0, "open")])
        lived(evening, deliverer, local(23, 20))
        (_, alarm) = postbox.mails
        assert alarm["Subject"] == "Lincoln Elementary, Tue 17 Nov: cart 7 disturbed out of hours"
        assert alarm["To"].addresses[0].addr_spec == COORDINATOR
        assert alarm["In-Reply-To"] is None  # it is not to be overlooked in the day's thread
        evening.says(
            [evening.cart.event("door", 0, "closed"), evening.cart.event("bolt", 0, "thrown")]
        )
        lived(evening, deliverer, local(5, 50, day=18))
        assert len(postbox.mails) == 2
        lived(evening, deliverer, local(6, 0, day=18))
        assert postbox.mails[-1]["Subject"].endswith("Wed 18 Nov: cart 7 put right again")
    stem = "2026-11-17-lincoln-elementary-alarm-23-10-reyes-lincoln-example"
    assert (tmp_path / "digests" / f"{stem}.txt").exists()
