"""The journal on the emulated Pico's own littlefs, whose power goes in the midst of writing."""

import random
import sys
from itertools import accumulate

from homeslot.contract import SEQ_PER_BOOT
from homeslot.journal import Journal
from homeslot_sim.pico.cells import developed
from homeslot_sim.pico.emulator import FILES_START
from homeslot_sim.pico.flash_image import Image

from .test_field import PATIENCE_MS

CUTS = 50
LOST_MS = 5000
ERASE = 4096  # bytes of the first command of a write that needs a new block
SLOTS = (1, 2, 11, 12, 21)
ROUNDS = 12  # in each, the devices of these slots go or come
ROUND_MS = 1300


def kept(flash):
    """[(number, uptime)] of what a start on the file system `flash` finds, and its boot."""
    files = Image(flash)
    journal = Journal(files)
    boot = max(int(files.read("boot")), journal.last_boot) + 1
    count, found = len(journal), []
    while events := journal.oldest(8):
        found += [(event["seq"], event["up_ms"]) for event in events]
        for event in events:
            journal.leave(event["seq"])
    assert len(found) == count
    assert journal.damaged == 0
    return found, boot


def test_at_fifty_moments_a_power_cut_leaves_a_journal_that_lacks_five_seconds_at_most(
    online, tmp_path, capsys
):
    """What a start after each cut would find, read off the very bytes on the emulated flash."""
    online.save(tmp_path / "flash.img")
    online.film(tmp_path / "film")
    online.apply("link-down")
    began_ms = online.now_ms
    for n in range(ROUNDS):
        online.apply(("out", "in")[n % 2], SLOTS)
        online.run(ROUND_MS)
    online.run(LOST_MS)

    film = developed(tmp_path / "film")
    end = bytearray((tmp_path / "flash.img").read_bytes())
    flash = bytearray(end)
    for command in film:
        command.apply(end, FILES_START)
    made, _ = kept(end)
    assert [seq for seq, _ in made] == [SEQ_PER_BOOT + 1 + n for n in range(len(made))]
    assert len(made) >= ROUNDS * len(SLOTS)
    assert 0 <= made[0][1] - began_ms <= ROUND_MS, "uptime is time since the board was switched on"

    changed = list(accumulate(command.size for command in film))
    dice = random.Random(7)
    done = torn = worst_ms = 0
    for at in sorted(dice.randrange(changed[-1]) for _ in range(CUTS)):
        while changed[done] <= at:
            film[done].apply(flash, FILES_START)
            done += 1
        last = film[done]
        part = at - (changed[done] - last.size)
        cut = bytearray(flash)
        last.apply(cut, FILES_START, part)
        torn += part > 0
        found, boot = kept(cut)
        assert boot == 2, "whose numbers are higher than all of the first"
        assert found == made[: len(found)]
        missing_ms = [ms for _, ms in made[len(found) :] if ms <= last.now_ms]
        worst_ms = max([worst_ms, *(last.now_ms - ms for ms in missing_ms)])
    with capsys.disabled():
        sys.stdout.write(
            f"\n{CUTS} power cuts of an emulated Pico W while {len(made)} events were written, "
            f"{torn} in the middle of a flash command: at most the last {worst_ms} ms missing\n"
        )
    assert worst_ms <= LOST_MS
    assert torn > CUTS // 2


def test_after_a_reset_in_the_middle_of_a_journal_write_it_tells_what_it_had_kept_and_goes_on(
    online, ear, tmp_path
):
    """The power fails for a moment; the access point takes longer to come back than the board."""

    def boot_on_flash():
        online.save(tmp_path / "flash.img")
        return Image((tmp_path / "flash.img").read_bytes()).read("boot")

    assert boot_on_flash() == b"1"
    online.apply("link-down")
    online.apply("out", [1, 2, 11])
    online.run(LOST_MS)
    online.apply("out", range(3, 11))
    online.cut_power_writing(ERASE + 700, 2 * LOST_MS)
    online.run(100)
    online.until(lambda: boot_on_flash() == b"2", 2000, "the second boot")
    online.run(15000)
    online.apply("link-up")
    online.until(lambda: ear.said("state")[-1]["boot"] == 2, PATIENCE_MS, "a report")
    assert ear.said("hello")[-1]["reset"] == "power_on"
    assert ear.said("state")[-1]["slots"][:11] == ["empty"] * 11
    online.apply("out", [12])
    online.until(lambda: ear.event(index=12, value="empty"), PATIENCE_MS, "news")
    told = [(event["boot"], event["index"]) for event in ear.said("event")]
    assert told == [(1, 1), (1, 2), (1, 11), (2, 12)]
    numbers = [event["seq"] for event in ear.said("event")]
    assert numbers == sorted(set(numbers))
    assert ear.said("state")[-1]["seq"] < numbers[-1]
    assert online.status.resets == 0  # by the watchdog
