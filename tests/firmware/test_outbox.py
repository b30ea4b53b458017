"""The outbox: bounded, honest about what it drops, and nothing leaves it unacknowledged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from homeslot.contract import SEQ_PER_BOOT
from homeslot.journal import RECORD_BYTES, SEGMENT, SEGMENTS, Journal
from homeslot.outbox import KEEP_MS, RAM_EVENTS, REPLAY, Outbox
from homeslot_sim.cart.flash import Flash, PowerCut

from .events import event

BEAT_MS = 1000


def opened(limit, flash=None):
    return Outbox(limit, Journal(Flash() if flash is None else flash))


def events(numbers, up_ms=0):
    return [event(seq, up_ms) for seq in numbers]


def fill(outbox, numbers, up_ms=0):
    for body in events(numbers, up_ms):
        outbox.put(body)


def drained(outbox, now_ms=0):
    """Everything in it, sent and acknowledged in windows of eight, with a beat between."""
    out = []
    while len(outbox):
        now_ms += BEAT_MS
        outbox.beat(now_ms)
        for body in outbox.due(8):
            out.append(body)
            outbox.leave(body["seq"])
    return out


def test_events_stay_until_they_are_let_go():
    outbox = opened(10)
    fill(outbox, (1, 2, 3))
    assert outbox.due(2) == events((1, 2))
    assert len(outbox) == 3
    outbox.leave(1)
    assert outbox.due(10) == events((2, 3))


@pytest.mark.parametrize("limit", [3, RAM_EVENTS, RAM_EVENTS + 1, 100])
def test_a_full_outbox_drops_its_oldest_and_counts_it(limit):
    outbox = opened(limit)
    fill(outbox, range(1, limit + 6))
    assert len(outbox) == limit
    assert outbox.dropped == 5
    assert sorted(body["seq"] for body in drained(outbox)) == list(range(6, limit + 6))


def test_the_sender_is_woken_by_each_event_and_finds_it_there():
    outbox, found = opened(2), []
    outbox.changed = lambda: found.append(outbox.due(9)[-1]["seq"])
    fill(outbox, (1, 2, 3))
    assert found == [1, 2, 3]


@pytest.mark.parametrize("seq", [0, 4, 99])
def test_an_acknowledgement_of_what_was_dropped_or_never_sent_takes_nothing(seq):
    outbox = opened(2)
    fill(outbox, (3, 4, 5, 6))
    outbox.leave(seq)
    assert outbox.due(9) == events((5, 6))


def test_a_good_link_costs_the_flash_nothing():
    flash = Flash()
    outbox = opened(100, flash)
    for seq in range(1, 200):
        outbox.beat(seq * BEAT_MS)
        outbox.put(event(seq, seq * BEAT_MS))
        assert outbox.due(8) == [event(seq, seq * BEAT_MS)]
        outbox.leave(seq)
    assert flash.calls == 0


def test_without_a_link_the_flash_is_written_in_batches():
    """Two events a second for ten minutes: a write in four or five seconds, not two a second."""
    flash = Flash()
    outbox = opened(2000, flash)
    for now_s in range(600):
        outbox.beat(now_s * BEAT_MS)
        for n in (1, 2):
            outbox.put(event(2 * now_s + n, now_s * 1000 + 400 * n))
    assert 600 // 6 <= flash.calls <= 600 // 5
    assert len(outbox) == 1200
    assert flash.programmed == pytest.approx(1200 * RECORD_BYTES, rel=0.01)


@given(
    gaps_ms=st.lists(st.integers(0, 9000), min_size=1, max_size=80), phase_ms=st.integers(0, 999)
)
def test_what_is_older_than_five_seconds_is_always_on_flash(gaps_ms, phase_ms):
    flash, now_ms = Flash(), 0
    outbox, times_ms = opened(100, flash), []
    for gap_ms in gaps_ms:
        for beat_ms in range(now_ms - (now_ms - phase_ms) % BEAT_MS, now_ms + gap_ms, BEAT_MS):
            if beat_ms >= now_ms:
                outbox.beat(beat_ms)
                kept = len(Journal(flash))
                assert all(beat_ms - made_ms < KEEP_MS for made_ms in times_ms[kept:])
        now_ms += gap_ms
        times_ms.append(now_ms)
        outbox.put(event(len(times_ms), now_ms))
    assert KEEP_MS + BEAT_MS == 5000


def test_live_events_do_not_wait_for_the_journal_and_it_has_a_pace():
    outbox, woken = opened(1000), []
    fill(outbox, range(1, 401))
    outbox.connected()
    outbox.changed = lambda: woken.append(1)
    seen = []
    for beat in range(1, 30):
        outbox.beat(beat * BEAT_MS)
        now = []
        while window := outbox.due(8):
            now += [body["seq"] for body in window]
            for body in window:
                outbox.leave(body["seq"])
            if beat == 10 and len(now) == 8:
                outbox.put(event(1000, beat * BEAT_MS))
        assert len(now) <= REPLAY + 1
        seen.append(now)
    assert len(woken) == 400 // REPLAY + 1  # each beat with something to send, and the live one
    assert seen[9][8] == 1000
    told = [seq for now in seen for seq in now]
    assert [seq for seq in told if seq != 1000] == list(range(1, 401))
    assert len(outbox) == 0


def test_what_waits_at_the_connection_goes_in_order_with_what_is_on_flash():
    flash = Flash()
    outbox = opened(100, flash)
    fill(outbox, (1, 2, 3))
    outbox.beat(KEEP_MS)
    fill(outbox, (4, 5), KEEP_MS)
    outbox.connected()
    fill(outbox, (6,), KEEP_MS)
    assert [body["seq"] for body in drained(outbox)] == [6, 1, 2, 3, 4, 5]


def test_without_anything_on_flash_a_connection_writes_nothing():
    flash = Flash()
    outbox = opened(100, flash)
    fill(outbox, (1, 2, 3))
    outbox.connected()
    assert flash.calls == 0
    assert outbox.due(9) == events((1, 2, 3))


def test_an_event_that_went_to_flash_while_it_was_in_flight_is_sent_once_more():
    outbox = opened(100)
    fill(outbox, (1, 2))
    assert len(outbox.due(8)) == 2
    outbox.leave(1)
    outbox.beat(KEEP_MS)
    outbox.leave(2)  # the journal was not asked yet: which of its events is meant it cannot know
    assert drained(outbox) == events((2,))


def test_a_flash_that_takes_nothing_leaves_the_newest_in_ram_and_the_rest_is_counted():
    flash = Flash()
    flash.full = True
    outbox = opened(1000, flash)
    for seq in range(1, 101):
        outbox.put(event(seq, seq * 500))
        outbox.beat(seq * 500)
    assert len(outbox) == RAM_EVENTS
    assert outbox.dropped == 100 - RAM_EVENTS
    flash.full = False
    outbox.beat(100 * 500)
    assert [b["seq"] for b in drained(outbox, 50000)] == list(range(101 - RAM_EVENTS, 101))


def test_a_smaller_limit_after_a_restart_drops_the_oldest():
    flash = Flash()
    outbox = opened(100, flash)
    fill(outbox, range(1, 81))
    outbox.keep()
    outbox = opened(50, flash)
    assert (len(outbox), outbox.dropped) == (50, 30)
    assert [body["seq"] for body in drained(outbox)] == list(range(31, 81))


def test_c13_what_is_on_flash_names_no_one():
    """Words of the contract, numbers and times; as on the wire, no person and no device."""
    flash = Flash()
    fill(opened(100, flash), range(1, RAM_EVENTS + 2))
    assert b"slot empty charging\0" in flash.read("journal-1")
    assert len(flash.read("journal-1")) == RAM_EVENTS * RECORD_BYTES


@pytest.mark.parametrize("erased_tail", [False, True])
def test_at_every_byte_of_two_lives_a_power_cut_takes_at_most_five_seconds(erased_tail):
    """Three lives of 20 s with an event a second; the first two end at any byte."""
    most = life(Flash(), None, 1)[2]
    for cut in range(most + 1):
        flash, born = Flash(), []
        flash.erased_tail = erased_tail
        for boot, bytes_left in ((1, cut), (2, cut * 7 % most), (3, None)):
            assert Journal(flash).last_boot < boot
            lived, ended_ms, _ = life(flash, bytes_left, boot)
            born.append(lived)
            kept = [body["seq"] for body in peeked(flash)]
            assert kept == sorted(set(kept))
            for earlier in born:
                there = [seq for seq, _ in earlier if seq in kept]
                assert there == [seq for seq, _ in earlier[: len(there)]]
            assert all(ended_ms - up_ms <= 5000 for seq, up_ms in lived if seq not in kept)
            assert set(kept) <= {seq for earlier in born for seq, _ in earlier}


def life(flash, bytes_left, boot):
    """One boot without a link until its power is cut: [(seq, up_ms)], its end in ms, bytes."""
    flash.bytes_left = bytes_left
    before, born, now_ms = flash.programmed, [], 0
    outbox = opened(1000, flash)
    try:
        for now_ms in range(0, 20000, BEAT_MS):
            outbox.beat(now_ms)
            born.append((boot * SEQ_PER_BOOT + len(born) + 1, now_ms + 500))
            outbox.put(event(*born[-1]))
    except PowerCut:
        flash.power_up()
    return born, now_ms, flash.programmed - before


def peeked(flash):
    """What a cart that starts on a copy of this flash would send."""
    copy = Flash()
    for name in flash.names():
        copy.write(name, flash.read(name))
    return drained(opened(1000, copy))


class OutboxMachine(RuleBasedStateMachine):
    """RAM, journal and flash against plain lists of numbers, over starts and power cuts.

    `ram` and `on_flash` are what a simple cart would hold in each; `gone` is what has left the
    journal but may come once more after a start, because its segment is still there.
    """

    @initialize(limit=st.integers(1, 150))
    def start(self, limit):
        self.limit = limit
        self.files = Flash()
        self.now_ms = 0
        self.boot = self.n = self.refusals = 0
        self.on_flash, self.gone, self.sent = [], [], []
        self.switch_on()

    def switch_on(self):
        self.files.power_up()
        self.now_ms = 0
        self.boot += 1
        self.n = 0
        self.outbox = opened(self.limit, self.files)
        self.put = self.left = 0
        self.ram, self.sent = [], []
        back = [body["seq"] for body in peeked(self.files)]
        carried = back[-self.limit :]
        # What was on flash is there, and besides only what had left it before.
        lost = [seq for seq in self.on_flash if seq not in back]
        assert lost == []
        assert set(back) <= set(self.on_flash) | set(self.gone)
        assert self.outbox.dropped == 0 or len(carried) == self.limit
        self.on_flash, self.gone = carried, [s for s in back if s not in carried]
        self.carried = len(self.outbox) + self.outbox.dropped

    @rule(gap_ms=st.integers(0, 3000), count=st.integers(1, 40))
    def happen(self, gap_ms, count):
        for _ in range(count):
            self.now_ms += gap_ms
            self.n += 1
            seq = self.boot * SEQ_PER_BOOT + self.n
            if len(self.ram) == RAM_EVENTS:
                self.spill()
            while len(self.ram) + len(self.on_flash) >= self.limit:
                self.lose()
            self.ram.append((seq, self.now_ms))
            self.put += 1
            self.outbox.put(event(seq, self.now_ms))

    def spill(self):
        if not self.files.full:
            self.on_flash += [seq for seq, _ in self.ram]
            self.ram = []
        elif len(self.ram) == RAM_EVENTS:
            self.lose_from_ram()

    def lose_from_ram(self):
        self.ram = self.ram[1:]

    def lose(self):
        if self.on_flash:
            self.gone.append(self.on_flash.pop(0))
        else:
            self.lose_from_ram()

    @rule(ms=st.integers(0, 6000))
    def wait(self, ms):
        self.now_ms += ms
        if self.ram and self.now_ms - self.ram[0][1] >= KEEP_MS and not self.files.full:
            self.spill()
        self.outbox.beat(self.now_ms)

    @rule()
    def connect(self):
        if self.on_flash and not self.files.full:
            self.spill()
        self.outbox.connected()

    @rule(count=st.integers(0, 20))
    def send(self, count):
        window = [body["seq"] for body in self.outbox.due(count)]
        live = [seq for seq, _ in self.ram][:count]
        assert window[: len(live)] == live
        waited = window[len(live) :]
        assert waited == self.on_flash[: len(waited)]
        assert len(waited) <= min(REPLAY, count - len(live))
        self.sent = window

    @precondition(lambda self: self.sent)
    @rule(part=st.integers(1, 20))
    def acknowledge(self, part):
        """The broker has the first of what was sent last; some may be lost or moved since."""
        for seq in self.sent[:part]:
            if self.ram and self.ram[0][0] == seq:
                self.ram = self.ram[1:]
                self.left += 1
            elif self.on_flash and self.on_flash[0] == seq:
                before = len(self.outbox)
                self.outbox.leave(seq)
                if len(self.outbox) < before:
                    self.gone.append(self.on_flash.pop(0))
                    self.left += 1
                continue
            self.outbox.leave(seq)
        self.sent = self.sent[part:]

    @rule()
    def fill_or_free_the_flash(self):
        self.files.full = not self.files.full
        self.refusals += 1

    @rule()
    def cut_the_power(self):
        self.files.full = False
        self.switch_on()

    @rule(bytes_left=st.integers(0, 40 * RECORD_BYTES), count=st.integers(1, 60))
    def cut_the_power_in_the_middle(self, bytes_left, count):
        self.files.full = False
        self.files.bytes_left = bytes_left
        waiting = self.on_flash + [seq for seq, _ in self.ram]
        fresh = not self.ram or self.now_ms - self.ram[0][1] <= KEEP_MS
        times_ms = dict(self.ram)
        try:
            for _ in range(count):
                self.now_ms += 500
                self.n += 1
                waiting.append(self.boot * SEQ_PER_BOOT + self.n)
                times_ms[waiting[-1]] = self.now_ms
                self.outbox.put(event(waiting[-1], self.now_ms))
                self.outbox.beat(self.now_ms)
        except PowerCut:
            self.files.power_up()
        after = [body["seq"] for body in peeked(self.files)]
        assert set(after) <= set(waiting) | set(self.gone)
        # Missing are the oldest, where there was no room for all, and the last five seconds.
        first = next((i for i, seq in enumerate(waiting) if seq in after), len(waiting))
        self.on_flash = [seq for seq in waiting if seq in after]
        end = first + len(self.on_flash)
        assert self.on_flash == waiting[first:end]
        if len(waiting) <= self.limit and self.on_flash:
            assert first == 0
        if fresh:
            missing = waiting[end if self.on_flash else -self.limit :]
            assert all(self.now_ms - times_ms.get(seq, 0) <= 5000 for seq in missing)
        self.switch_on()

    @invariant()
    def holds_what_the_lists_hold_and_accounts_for_the_rest(self):
        assert len(self.outbox) == len(self.ram) + len(self.on_flash) <= self.limit
        assert self.put + self.carried == len(self.outbox) + self.left + self.outbox.dropped
        # A start and a refusal may each have sealed a segment that was not full.
        files = sum(name.startswith("journal-") for name in self.files.names())
        assert files <= min(SEGMENTS, 2 + self.limit // SEGMENT + self.boot + self.refusals)


TestOutboxMachine = OutboxMachine.TestCase
