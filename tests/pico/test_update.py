"""Updates of the emulated Pico W over the real broker: a bad one is given up, a good one stays."""

import sys

from homeslot_hub.adapters.desk import Desk
from homeslot_hub.adapters.ingest import Login
from homeslot_hub.config import read_secret
from homeslot_hub.service.update import OVER, Update

from .school import CART

NEVER_HEALTHY = 'raise RuntimeError("there is no cart in here")\n'
TRANSFER_MS = 60000
TRIAL_MS = 120000


def test_a_bad_firmware_is_given_up_and_a_good_one_stays(online, ear, credentials, release, capsys):
    secret = read_secret(credentials.desk_secret_file)
    login = Login("127.0.0.1", ear.port, "desk", secret, "")

    def deliver(bundle, first_id):
        """What becomes of `bundle`; how long the transfer and all of it took in ms."""
        work = Update(CART, bundle, first_id, online.now_ms / 1000)
        began_ms = online.now_ms
        with Desk(login, CART, ("hello", "reply")) as desk:

            def stage():
                now_s = online.now_ms / 1000
                command = work.due(now_s)
                if command is not None:
                    desk.send(command)
                for message in desk.messages(0.02):
                    work.take(message, now_s)
                return work.where.stage

            gone = lambda: stage() not in ("asking", "sending")  # noqa: E731
            took_ms = online.until(gone, TRANSFER_MS, "the transfer")
            online.until(lambda: stage() in OVER, TRIAL_MS, "the verdict on the trial")
        return work.where, took_ms, online.now_ms - began_ms

    bad, bad_ms, bad_all_ms = deliver(release("0.9.0", **{"app.cart": NEVER_HEALTHY}), 1000)
    assert bad.stage == "given up", bad.words
    assert "RuntimeError: there is no cart in here" in online.status.console
    hello = ear.said("hello")[-1]
    assert (hello["side"], hello["trial"], hello["gave_up"]) == ("a", False, "0.9.0")

    good, good_ms, good_all_ms = deliver(release("0.9.1"), 2000)
    assert good.stage == "installed", good.words
    hello = ear.said("hello")[-1]
    assert (hello["side"], hello["trial"], hello["gave_up"]) == ("b", False, "")
    assert hello["firmware"] == "0.9.1"
    with capsys.disabled():
        sys.stdout.write(
            f"\nemulated Pico W, updates: sent in {bad_ms} and {good_ms} ms, "
            f"given up after {bad_all_ms} ms, proved after {good_all_ms} ms\n"
        )
