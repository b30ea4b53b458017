"""Outbox and journal on the MicroPython interpreter: same answers, real littlefs, cost in RAM."""

import json
import random
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
REPLAY = (HERE / "journal_replay.py").read_text()
CUTS = (HERE / "littlefs_cuts.py").read_text()
LATE_S = 1757000000


def deeds(dice, count):
    """A random life of an outbox: events, beats, sending, faults and power cuts."""
    seq, now_ms, boot = 1000000, 0, 1
    for _ in range(count):
        what = dice.choice(["put"] * 8 + ["beat"] * 3 + ["due", "leave"] * 3 + ["power", "full"])
        if dice.random() < 0.03:
            what = dice.choice(("restart", "flip"))
        number, body = 0, None
        if what == "put":
            seq += 1
            now_ms += dice.randint(0, 3000)
            kind = dice.choice(("slot", "door", "bank"))
            body = {
                "v": 1, "boot": boot, "up_ms": now_ms + (1 << 40), "seq": seq, "kind": kind,
                "at_s": dice.choice((None, LATE_S + now_ms // 1000)),
                "value": "unknown", "was": {"slot": "full", "door": "open", "bank": "ok"}[kind],
            }  # fmt: skip
            if kind != "door":
                body["index"] = dice.randint(1, 8)
            if kind == "slot":
                body["current_ma"] = dice.choice((None, -9000, -1, 0, 9000))
        elif what == "beat":
            now_ms += 1000
            number = now_ms + (1 << 40)
        elif what in ("due", "leave"):
            number = dice.randint(0, 9)
        elif what == "power":
            number = dice.randint(0, 3000)
        elif what == "full":
            number = dice.randint(0, 1)
        elif what == "flip":
            number = dice.randint(0, 100000)
        elif what == "restart":
            boot += 1
            seq = boot * 1000000
        yield [what, number, body]


def test_micropython_gives_the_same_answers_and_the_same_bytes_on_flash(micropython):
    vectors = [list(deeds(random.Random(seed), 250)) for seed in range(12)]
    lines = "".join(json.dumps(vector) + "\n" for vector in vectors)
    here = subprocess.run(
        [sys.executable, "-c", REPLAY],
        input=lines,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    there = micropython(REPLAY, stdin=lines, heap="600k")
    expected = [json.loads(line) for line in here.stdout.splitlines()]
    answers = [json.loads(line) for line in there.splitlines()]
    deeds_done = [deed for vector in vectors for deed in vector]
    for deed, one, other in zip(deeds_done, expected, answers, strict=True):
        assert one == other, deed
    # A replay to which nothing happens would prove little.
    assert sum(cut for cut, *_ in expected) > 20
    assert any(dropped for _, _, dropped, *_ in expected)
    assert any(len(events) > 4 for *_, events, _ in expected)
    assert any(len(files) > 2 for *_, files in expected)


def test_at_every_byte_a_power_cut_under_a_real_littlefs_takes_at_most_the_batch_being_written(
    micropython,
):
    cuts, worst = map(int, micropython(CUTS, heap="600k").split())
    assert cuts > 4000
    assert worst == 16  # the largest batch


LIFE = """
import sys
from homeslot.folder import Folder
from homeslot.journal import Journal
from homeslot.outbox import Outbox
files = Folder(%r)
outbox = Outbox(1000, Journal(files))
told = []
for body in outbox.due(8):
    told.append(body["seq"])
    outbox.leave(body["seq"])
print(len(outbox), told)
for n in range(52):
    outbox.put({
        "v": 1, "boot": 1, "up_ms": n * 1000, "at_s": None, "seq": %d + n, "kind": "door",
        "value": "open", "was": "closed",
    })
    outbox.beat(n * 1000)
"""


def test_an_interpreter_that_ends_leaves_its_events_to_the_next(micropython, tmp_path):
    told = [micropython(LIFE % (str(tmp_path), first)).strip() for first in (100, 200, 300)]
    # Each leaves fifty; its last two had not waited for four seconds. What had left comes again.
    assert told[0] == "0 []"
    assert told[1] == f"{50 - 8} {list(range(100, 108))}"
    assert told[2] == f"{50 + 50 - 8} {list(range(100, 108))}"


def test_a_thousand_waiting_events_cost_no_ram_to_speak_of(micropython, capsys):
    """The budget: 16 kB of the 64-bit heap for the code, the buffer and a journal of 1000."""
    said = micropython(
        """
import gc
import homeslot.contract
class Files:
    def names(self):
        return []
    def read_at(self, name, at, count):
        return b""
    def write(self, name, data):
        pass
    append = write
    def remove(self, name):
        pass
def used():
    gc.collect()
    return gc.mem_alloc()
files = Files()
before = used()
from homeslot.journal import Journal
from homeslot.outbox import Outbox
code = used()
outbox = Outbox(1000, Journal(files))
empty = used()
for n in range(1000):
    outbox.put({
        "v": 1, "boot": 1, "up_ms": n, "at_s": None, "seq": n + 1, "kind": "slot",
        "value": "empty", "was": "full", "index": 1, "current_ma": None,
    })
print(len(outbox), code - before, empty - code, used() - empty)
""",
        heap="160k",
    )
    events, code, empty, waiting = map(int, said.split())
    with capsys.disabled():
        sys.stdout.write(
            f"\noutbox and journal on a 64-bit heap: {code} bytes of code, {empty} empty,"
            f" {waiting} more with {events} events\n"
        )
    assert events == 1000
    assert code + empty + waiting <= 16000
