"""The journal: what it was given comes out again, whatever happens to the flash beneath it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeslot.contract import EVENTS
from homeslot.journal import RECORD_BYTES, SEGMENT, SEGMENTS, Journal, pack_into, unpack
from homeslot_sim.cart.flash import Flash, PowerCut

from .events import event, events

RESERVE = 4000000  # seq of the first event in these tests: of boot 4


def batch(*bodies):
    data = bytearray(len(bodies) * RECORD_BYTES)
    for i, body in enumerate(bodies):
        pack_into(data, i * RECORD_BYTES, body)
    return data


def run(first, count):
    return [event(RESERVE + n) for n in range(first, first + count)]


def drained(journal):
    """Everything in it, taken out as the cart does: a few at a time, each let go by its number."""
    out = []
    while some := journal.oldest(8):
        for body in some:
            out.append(body)
            journal.leave(body["seq"])
    assert len(journal) == 0
    return out


def segments(flash):
    return [name for name in flash.names() if name.startswith("journal-")]


@given(body=events())
def test_a_record_gives_back_the_event_and_nothing_of_its_neighbours(body):
    data = bytearray(b"\xa5" * 3 * RECORD_BYTES)
    pack_into(data, RECORD_BYTES, body)
    assert data[:RECORD_BYTES] == data[2 * RECORD_BYTES :] == b"\xa5" * RECORD_BYTES
    assert unpack(data, RECORD_BYTES) == body


def test_the_longest_words_of_the_contract_fit_into_a_record():
    for kind, (words, highest) in EVENTS.items():
        longest = max(words, key=len, default="ff:ff:ff:ff:ff:ff")
        body = event(1) | {"kind": kind, "value": longest, "was": longest}
        if not highest:
            del body["index"]
        if kind != "slot":
            del body["current_ma"]
        assert unpack(batch(body), 0) == body


@given(body=events(), bits=st.sets(st.integers(0, RECORD_BYTES * 8 - 1), min_size=1, max_size=3))
def test_up_to_three_flipped_bits_never_make_another_event(body, bits):
    data = batch(body)
    for bit in bits:
        data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="checksum"):
        unpack(data, 0)


@pytest.mark.parametrize("value", [0x00, 0xFF])
def test_what_flash_holds_where_nothing_was_written_is_no_record(value):
    with pytest.raises(ValueError, match="checksum"):
        unpack(bytes([value]) * RECORD_BYTES, 0)


@given(sizes=st.lists(st.integers(1, SEGMENT), max_size=12), reopened=st.booleans())
def test_first_in_first_out_over_segments_and_starts(sizes, reopened):
    flash, expected = Flash(), []
    journal = Journal(flash)
    for size in sizes:
        some = run(len(expected), size)
        journal.append(batch(*some))
        expected += some
        if reopened:
            journal = Journal(flash)
            assert journal.last_boot == 4
    assert len(journal) == len(expected)
    assert len(segments(flash)) <= 1 + len(expected) // SEGMENT
    assert drained(journal) == expected
    assert segments(flash) == []
    assert journal.damaged == 0


def test_a_segment_is_removed_when_its_last_record_leaves_and_not_before():
    flash = Flash()
    journal = Journal(flash)
    for first in range(0, 3 * SEGMENT, SEGMENT):
        journal.append(batch(*run(first, SEGMENT)))
    for n in range(2 * SEGMENT):
        assert len(segments(flash)) == 3 - n // SEGMENT
        assert journal.drop()
    assert len(segments(flash)) == 1


def test_what_has_left_an_unfinished_segment_comes_once_more_after_a_power_cut():
    flash = Flash()
    journal = Journal(flash)
    journal.append(batch(*run(0, 10)))
    for body in journal.oldest(4):
        journal.leave(body["seq"])
    assert drained(Journal(flash)) == run(0, 10)


def test_only_the_oldest_can_leave_by_its_number():
    journal = Journal(Flash())
    journal.append(batch(*run(0, 3)))
    for seq in (RESERVE, RESERVE + 1):
        journal.leave(seq)  # nothing was asked for yet
    journal.oldest(3)
    journal.leave(RESERVE + 2)
    assert drained(journal) == run(0, 3)


def test_an_empty_journal_has_nothing_to_drop():
    journal = Journal(Flash())
    assert not journal.drop()
    assert journal.oldest(8) == []
    assert journal.last_boot == 0


def test_a_flash_that_refuses_leaves_what_was_there_and_the_next_batch_is_found_again():
    flash = Flash()
    journal = Journal(flash)
    for first in (0, 10, 20):
        flash.full = True
        with pytest.raises(OSError, match="no space"):
            journal.append(batch(*run(first, 10)))
        assert len(journal) == first
        flash.full = False
        journal.append(batch(*run(first, 10)))
    assert drained(Journal(flash)) == run(0, 30)


class Worn(Flash):
    """A flash on which reading or deleting some files fails."""

    def __init__(self):
        super().__init__()
        self.worn = set()

    def read_at(self, name, at, count):
        if name in self.worn:
            raise OSError(5, "input/output error")
        return super().read_at(name, at, count)

    def remove(self, name):
        if name in self.worn:
            raise OSError(5, "input/output error")
        super().remove(name)


@pytest.mark.parametrize("before", [True, False])
def test_a_file_that_can_no_longer_be_read_or_removed_loses_its_own_records_only(before):
    flash = Worn()
    journal = Journal(flash)
    for first in range(0, 4 * SEGMENT, SEGMENT):
        journal.append(batch(*run(first, SEGMENT)))
    flash.worn.add("journal-2")
    if before:
        journal = Journal(flash)
    assert drained(journal) == run(0, SEGMENT) + run(2 * SEGMENT, 2 * SEGMENT)
    assert journal.damaged == (0 if before else SEGMENT)
    journal.append(batch(*run(200, 1)))
    assert journal.oldest(8) == run(200, 1)


def test_the_number_of_files_is_bounded_also_when_every_batch_was_torn():
    flash, first = Flash(), 0
    for _ in range(2 * SEGMENTS):
        journal = Journal(flash)
        while journal.crowded:
            journal.drop()
        journal.append(batch(*run(first, 1)))
        first += 1
        flash.bytes_left = 10
        with pytest.raises(PowerCut):
            journal.append(batch(*run(first, 1)))
        flash.power_up()
        assert len(segments(flash)) <= SEGMENTS
    assert drained(Journal(flash)) == run(first - SEGMENTS, SEGMENTS)


def test_other_files_and_names_like_its_own_are_left_alone():
    flash = Flash()
    for name in ("boot", "journal", "journal-1.new", "journal-x", "board.json"):
        flash.write(name, b"other")
    journal = Journal(flash)
    journal.append(batch(*run(0, 3)))
    assert drained(journal) == run(0, 3)
    assert len(flash.names()) == 5


SIZES = (3, SEGMENT - 4, 2, 3, 1, SEGMENT, 5)


@given(
    damage=st.lists(
        st.tuples(st.integers(1, 3), st.integers(0, 40 * RECORD_BYTES * 8)), min_size=1, max_size=20
    ),
    opened=st.booleans(),
)
@example(damage=[(1, n * 512) for n in range(40)], opened=True)
def test_flipped_bits_never_crash_it_nor_make_an_event_nor_hide_a_whole_one(damage, opened):
    flash, journal, first = Flash(), None, 0
    journal = Journal(flash)
    for size in SIZES:
        journal.append(batch(*run(first, size)))
        first += size
    whole = {name: flash.read(name) for name in segments(flash)}
    for number, bit in damage:
        name = f"journal-{number}"
        flash.flip(name, bit % (len(whole[name]) * 8))
    hit = set()
    for number, name in enumerate(sorted(whole)):
        now = flash.read(name)
        for at in range(0, len(now), RECORD_BYTES):
            if now[at : at + RECORD_BYTES] != whole[name][at : at + RECORD_BYTES]:
                hit.add((number, at))
    if not opened:
        journal = Journal(flash)
    found = drained(journal)
    assert len(found) == first - len(hit)
    assert [body for body in run(0, first) if body in found] == found
    assert journal.damaged == len(hit)


@given(contents=st.lists(st.binary(max_size=4 * RECORD_BYTES), max_size=4), count=st.integers(1, 9))
def test_any_bytes_may_be_found_on_flash_and_work_goes_on(contents, count):
    flash = Flash()
    for number, content in enumerate(contents):
        flash.write(f"journal-{number}", content)
    journal = Journal(flash)
    assert len(journal) == 0
    journal.append(batch(*run(0, count)))
    assert drained(Journal(flash)) == run(0, count)


@pytest.mark.parametrize(
    "change",
    [
        {"value": "asleep"},  # a word of firmware to come
        {"kind": "lamp", "value": "on", "was": "off"},
        {"boot": 0},
        {"at_s": 5},
        {"index": 99},
        {"value": "a b"},
        {"was": "\xe9"},
    ],
)
def test_a_record_of_other_firmware_that_the_contract_has_no_words_for_is_counted(change):
    flash = Flash()
    journal = Journal(flash)
    journal.append(batch(*run(0, 1), event(RESERVE + 1) | change, *run(2, 1)))
    assert len(Journal(flash)) == 3
    journal = Journal(flash)
    assert drained(journal) == [*run(0, 1), *run(2, 1)]
    assert journal.damaged == 1


@pytest.mark.parametrize("erased_tail", [False, True])
def test_a_power_cut_at_every_byte_takes_at_most_the_batch_that_was_being_written(erased_tail):
    """What was written before is whole, what comes after finds its place."""
    sizes = (2, SEGMENT - 3, 3, 4, 1)
    for cut in range(sum(sizes) * RECORD_BYTES + 2):
        flash = Flash()
        flash.erased_tail = erased_tail
        flash.bytes_left = cut
        journal, kept, writing = Journal(flash), 0, 0
        try:
            for size in sizes:
                writing = size
                journal.append(batch(*run(kept, size)))
                kept += size
            writing = 0
        except PowerCut:
            flash.power_up()
        journal = Journal(flash)
        found = len(journal)
        assert kept <= found <= kept + writing
        journal.append(batch(*run(100, 2)))
        assert journal.damaged <= writing
        assert drained(Journal(flash)) == run(0, found) + run(100, 2)
