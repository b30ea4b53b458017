"""Acceptance: 100,000 fuzzed byte strings into the bundle reader; only BadBundle comes out."""

import tracemalloc

from homeslot.app.update import Update
from homeslot.bundle import HEAD_BYTES, BadBundle, Manifest

from .. import fuzz
from .releases import BOARD, Side, bundle, flash, started

MANIFESTS, TRANSFERS = 90000, 10000
GOOD = bundle()
LENGTH = int.from_bytes(GOOD[4:6], "big")
TEXT = GOOD[HEAD_BYTES : HEAD_BYTES + LENGTH]
PIECE = 300
PEAK = 200000  # bytes; each string alone has less than 1000, all of them ten million


def test_whatever_stands_in_a_manifest_it_is_read_or_refused():
    read = 0
    for text in fuzz.strings(MANIFESTS, 3, [TEXT, TEXT[:200]], len(TEXT)):
        try:
            manifest = Manifest(text)
            manifest.check(BOARD, "0.1.0", 1)
            read += len(list(manifest.files())) > 0
        except BadBundle:
            pass
    assert 0 < read < MANIFESTS // 2


def test_whatever_is_sent_the_cart_stays_as_it_was_and_holds_no_more():
    files = flash(keys=("a",))
    before = {name: files.read(name) for name in files.names()}
    boot = started(files)
    update = Update(Side(files, "a"), Side(files, "b"), boot, BOARD, "0.1.0")
    samples = [GOOD[: HEAD_BYTES + LENGTH], GOOD[:HEAD_BYTES], GOOD[:6] + b"\xff" * HEAD_BYTES]
    refused = 0
    tracemalloc.start()
    for number, data in enumerate(fuzz.strings(TRANSFERS, 4, samples, len(samples[0]))):
        try:
            offset = 0
            for _ in range(6):
                offset, _ = update.take(str(number), offset, data[offset : offset + PIECE])
        except BadBundle:
            refused += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < PEAK
    assert refused > TRANSFERS // 10
    assert not update.done
    assert {name: files.read(name) for name in before} == before
