"""The tunnel: two ends, a line that does what it likes, and bytes that are right or not there."""

import binascii
import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from homeslot.tunnel import (
    ASKED,
    ASKING,
    CLOSED,
    HIGHEST,
    LONGEST_LINE,
    OPEN,
    PATIENCE_MS,
    PAYLOAD,
    RETRY_MS,
    VERSION,
    WINDOW,
    Tunnel,
    WrongState,
)

STEP_MS = 100


class Line:
    """Both ways of a serial line, and time."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.used = 0  # numbers and keys, never one twice
        self.cart = Tunnel(answers=False)
        self.gateway = Tunnel(answers=True)
        self.up: list[bytes] = []
        self.down: list[bytes] = []

    def fresh(self) -> int:
        self.used += 1
        return self.used

    def flush(self) -> None:
        for end, wire in ((self.cart, self.up), (self.gateway, self.down)):
            while line := end.take():
                assert line.startswith(b"~") and b"\n" not in line
                assert len(line) <= LONGEST_LINE
                wire.append(line)

    def deliver(self, up: bool) -> None:
        wire, end = (self.up, self.gateway) if up else (self.down, self.cart)
        end.receive(self.now_ms, wire.pop(0))
        if self.gateway.state == ASKED:
            self.gateway.accept(self.now_ms, self.fresh())
        self.flush()

    def settle(self) -> None:
        """All that is on its way arrives."""
        self.flush()
        while self.up or self.down:
            self.deliver(up=bool(self.up))

    def wait(self, ms: int) -> None:
        for _ in range(ms // STEP_MS):
            self.now_ms += STEP_MS
            self.cart.tick(self.now_ms)
            self.gateway.tick(self.now_ms)
            self.flush()

    def connect(self) -> None:
        self.cart.open(self.now_ms, self.fresh())
        self.cart.tick(self.now_ms)
        self.settle()


@pytest.fixture
def line():
    line = Line()
    line.connect()
    assert (line.cart.state, line.gateway.state) == (OPEN, OPEN)
    return line


def everything(line, sender, receiver, data):
    """What `receiver` reads when `sender` sends all of `data` over an honest line."""
    read = b""
    while data or sender.waiting:
        data = data[sender.send(line.now_ms, data) :]
        line.settle()
        read += receiver.read(10000)
    return read


@given(data=st.binary(max_size=5000), back=st.binary(max_size=500))
def test_all_bytes_pass_both_ways_in_their_order(data, back):
    line = Line()
    line.connect()
    assert everything(line, line.cart, line.gateway, data) == data
    assert everything(line, line.gateway, line.cart, back) == back


def test_the_end_comes_after_everything_that_was_sent_before_it(line):
    line.gateway.send(0, b"last words")
    line.gateway.end(0)
    line.settle()
    assert not line.cart.ended
    assert line.cart.read(100) == b"last words"
    assert line.cart.ended and line.cart.state == OPEN
    assert line.gateway.send(0, b"one thing more") == 0


def test_a_lost_line_is_said_again_and_nothing_is_given_out_of_order(line):
    line.cart.send(0, b"a" * PAYLOAD + b"b" * PAYLOAD)
    line.flush()
    del line.up[0]
    line.settle()
    assert line.gateway.read(1000) == b""
    line.wait(RETRY_MS)
    line.settle()
    assert line.gateway.read(1000) == b"a" * PAYLOAD + b"b" * PAYLOAD


def test_a_window_is_all_that_is_in_flight(line):
    assert line.cart.room == WINDOW * PAYLOAD
    assert line.cart.send(0, bytes(5000)) == WINDOW * PAYLOAD
    line.flush()
    assert len(line.up) == WINDOW
    assert line.cart.room == line.cart.send(0, b"x") == 0


def test_an_ack_makes_room_for_as_many_frames_and_nothing_is_said_twice_for_it(line):
    line.cart.send(0, bytes(WINDOW * PAYLOAD))
    line.flush()
    line.deliver(up=True)
    line.deliver(up=False)
    line.flush()
    assert len(line.up) == WINDOW - 1
    line.cart.send(0, b"one more")
    line.flush()
    assert len(line.up) == WINDOW


def test_a_lost_grant_is_said_again_and_is_the_same(line):
    line.cart.reset("again")
    line.settle()
    line.cart.open(line.now_ms, line.fresh())
    line.cart.tick(line.now_ms)
    line.flush()
    line.deliver(up=True)
    line.down.clear()
    key = line.gateway._key
    line.wait(RETRY_MS)
    line.settle()
    assert line.cart.state == OPEN
    assert line.cart._key == line.gateway._key == key


def test_a_reader_who_does_not_read_is_waited_for_and_loses_nothing(line):
    sent = bytes(range(256)) * 12
    left, read = sent, b""
    for _ in range(40):
        left = left[line.cart.send(line.now_ms, left) :]
        line.wait(RETRY_MS)
        line.settle()
    assert line.cart.state == OPEN
    assert left and line.cart.waiting
    while left or line.cart.waiting:
        read += line.gateway.read(100)
        left = left[line.cart.send(line.now_ms, left) :]
        line.wait(RETRY_MS)
        line.settle()
    assert read + line.gateway.read(10000) == sent


def test_silence_while_an_answer_is_due_is_a_lost_connection(line):
    line.cart.send(0, b"anyone?")
    line.flush()
    line.up.clear()
    line.wait(PATIENCE_MS - STEP_MS)
    assert line.cart.state == OPEN
    line.wait(STEP_MS)
    assert (line.cart.state, line.cart.why) == (CLOSED, "no answer within 5000 ms")


def test_silence_while_there_is_nothing_to_say_is_no_loss(line):
    line.wait(100 * PATIENCE_MS)
    assert line.cart.state == line.gateway.state == OPEN


def test_who_asks_goes_on_asking(line):
    line.cart.reset("again")
    line.settle()
    line.cart.open(line.now_ms, line.fresh())
    line.wait(10 * RETRY_MS)
    assert line.cart.state == ASKING
    assert 10 <= len(line.up) <= 12
    del line.up[:-1]
    line.settle()
    assert line.cart.state == OPEN


def test_a_gateway_that_was_started_again_says_so_and_is_asked_anew(line):
    line.gateway = Tunnel(answers=True)
    line.gateway.clear()
    line.settle()
    assert (line.cart.state, line.cart.why) == (CLOSED, "the gateway was started")
    line.cart.open(line.now_ms, line.fresh())
    line.gateway.clear()
    line.settle()
    assert line.cart.state == ASKING, "what is only asked for is none of its business"


def test_a_gateway_that_does_not_know_a_connection_says_so(line):
    line.gateway = Tunnel(answers=True)
    line.cart.send(line.now_ms, b"hello?")
    line.settle()
    assert (line.cart.state, line.cart.why) == (CLOSED, "no such connection")


def test_a_cart_that_was_started_again_replaces_its_connection_and_hears_nothing_of_the_old(line):
    line.gateway.send(line.now_ms, b"for the old one")
    line.flush()
    line.cart = Tunnel(answers=False)
    old = line.gateway.number
    line.connect()
    assert line.gateway.number != old
    assert line.cart.state == line.gateway.state == OPEN
    assert line.cart.read(100) == b""


def test_an_open_that_was_repeated_to_a_new_gateway_does_not_join_two_connections(line):
    line.gateway.send(line.now_ms, b"from the first")
    line.settle()
    line.gateway = Tunnel(answers=True)
    twin = Tunnel(answers=False)
    twin.open(line.now_ms, line.cart.number)
    twin.tick(line.now_ms)
    line.up.append(twin.take())
    line.deliver(up=True)
    line.gateway.send(line.now_ms, b"from the second")
    line.settle()
    assert (line.cart.state, line.cart.why) == (CLOSED, "the gateway began anew")
    assert line.cart.read(100) == b"from the first"
    assert line.gateway.state == CLOSED


def test_a_refusal_says_why_in_printable_words(line):
    line.gateway.reset("no broker at \x1b[31m" + "x" * 1000)
    line.settle()
    assert line.cart.state == CLOSED
    assert line.cart.why.startswith("no broker at ?[31mxxx")
    assert len(line.cart.why) == PAYLOAD


def test_a_line_that_echoes_is_not_taken_for_an_answer(line):
    line.cart.send(line.now_ms, b"echo")
    line.flush()
    line.cart.receive(line.now_ms, line.up[0])
    assert line.cart.read(100) == b""
    assert line.cart.broken == 1


@given(line=st.binary(max_size=400))
def test_anything_at_all_may_come_and_is_counted(line):
    end = Tunnel(answers=True)
    end.receive(0, b"~" + line)
    assert (end.broken, end.state, end.take()) == (1, CLOSED, b"")


def test_a_hundred_thousand_well_made_frames_without_sense_harm_nobody():
    """Checksums are right and the rest is chance: no exception, no growth, and it still works."""
    chance = random.Random(311)
    line = Line()
    line.connect()
    for _ in range(100_000):
        end = chance.choice((line.cart, line.gateway))
        first = VERSION << 4 | chance.randrange(16)
        numbers = [chance.choice((0, 1, 2, end.number, end._key, HIGHEST)) for _ in range(2)]
        counts = [chance.choice((0, 1, 2, 5, 1 << 31, end._taken, end._first)) for _ in range(2)]
        head = struct.pack(">BIIII", first, *numbers, *counts)
        frame = head + chance.randbytes(chance.randrange(8))
        frame += struct.pack(">I", binascii.crc32(frame))
        end.receive(line.now_ms, b"~" + binascii.b2a_base64(frame).strip())
        if chance.random() < 0.1:
            line.now_ms += 100
            end.tick(line.now_ms)
            end.send(line.now_ms, b"data")
        if line.gateway.state == ASKED:
            line.gateway.accept(line.now_ms, line.fresh())
        if line.cart.state == CLOSED:
            line.cart.open(line.now_ms, line.fresh())
        said = 0
        while end.take():
            said += 1
        assert said <= WINDOW + 2
        assert len(end._in) <= (WINDOW + 1) * PAYLOAD and len(end._out) <= WINDOW
    line.cart.reset("enough")
    line.gateway.reset("enough")
    line.settle()
    line.connect()
    assert everything(line, line.cart, line.gateway, b"x" * 3000) == b"x" * 3000


@given(at=st.integers(min_value=1, max_value=60), to=st.integers(min_value=0, max_value=255))
def test_a_frame_with_one_byte_changed_is_the_same_or_none(at, to):
    line = Line()
    line.connect()
    line.cart.send(0, b"what was said")
    line.flush()
    frame = bytearray(line.up.pop())
    frame[at % len(frame) or 1] = to
    line.gateway.receive(0, frame)
    assert line.gateway.read(100) in (b"", b"what was said")


def test_calls_that_the_state_does_not_have_are_our_own_errors(line):
    with pytest.raises(WrongState, match="open while open"):
        line.cart.open(0, 5)
    with pytest.raises(WrongState, match="accept while open"):
        line.gateway.accept(0, 5)
    line.cart.reset("over")
    with pytest.raises(WrongState, match="end while closed"):
        line.cart.end(0)
    assert line.cart.send(0, b"x") == 0


class Anything(RuleBasedStateMachine):
    """Loss, spoiling, repetition, cuts and restarts of either end, in any order, at any moment.

    What an end reads of a connection is the beginning of what the other end sent into it; and as
    soon as the line is honest again, a connection can be made and carries everything.
    """

    @initialize()
    def begin(self):
        self.line = Line()
        self.sent: dict[tuple[str, int, int], bytes] = {}
        self.read: dict[tuple[str, int, int], bytes] = {}
        self.ended: set[tuple[str, int, int]] = set()
        self.said = 0

    def ends(self):
        return (
            ("up", self.line.cart, self.line.gateway),
            ("down", self.line.gateway, self.line.cart),
        )

    @rule()
    @precondition(lambda self: self.line.cart.state == CLOSED)
    def ask(self):
        self.line.cart.open(self.line.now_ms, self.line.fresh())
        self.line.cart.tick(self.line.now_ms)
        self.line.flush()

    @rule(way=st.sampled_from((0, 1)), size=st.integers(min_value=1, max_value=900))
    def send(self, way, size):
        name, sender, _ = self.ends()[way]
        # No two bytes near one another are alike: what is out of place is seen.
        data = bytes((self.said + i) * 7 % 251 for i in range(size))
        taken = sender.send(self.line.now_ms, data)
        self.said += taken
        if taken:
            key = (name, sender.number, sender._key)
            self.sent[key] = self.sent.get(key, b"") + data[:taken]
        self.line.flush()

    @rule(way=st.sampled_from((0, 1)))
    def end(self, way):
        name, sender, _ = self.ends()[way]
        key = (name, sender.number, sender._key)
        if sender.room and key not in self.ended:
            self.ended.add(key)
            sender.end(self.line.now_ms)
            self.line.flush()

    @rule(way=st.sampled_from((0, 1)), n=st.integers(min_value=1, max_value=2000))
    def take(self, way, n):
        name, _, reader = self.ends()[way]
        key = (name, reader.number, reader._key)
        self.read[key] = self.read.get(key, b"") + reader.read(n)

    @rule(up=st.booleans(), count=st.integers(min_value=1, max_value=8))
    def deliver(self, up, count):
        for _ in range(count):
            if self.line.up if up else self.line.down:
                self.line.deliver(up)

    @rule(up=st.booleans(), fate=st.sampled_from(("lost", "twice", "spoilt", "cut")))
    def misfortune(self, up, fate):
        wire = self.line.up if up else self.line.down
        if not wire:
            return
        if fate == "lost":
            del wire[0]
        elif fate == "twice":
            wire.insert(0, wire[0])
        elif fate == "spoilt":
            wire[0] = wire[0][:20] + b"A" + wire[0][21:]
        else:
            wire[0] = wire[0][: len(wire[0]) // 2]

    @rule(ms=st.sampled_from((STEP_MS, RETRY_MS, PATIENCE_MS)))
    def wait(self, ms):
        self.line.wait(ms)

    @rule()
    def cut_the_cable(self):
        self.line.up.clear()
        self.line.down.clear()

    @rule(tells=st.booleans())
    def restart_the_gateway(self, tells):
        self.line.gateway = Tunnel(answers=True)
        if tells:
            self.line.gateway.clear()
        self.line.flush()

    @rule()
    def restart_the_cart(self):
        self.line.cart = Tunnel(answers=False)

    @rule(way=st.sampled_from((0, 1)))
    def reset(self, way):
        self.ends()[way][1].reset("enough")
        self.line.flush()

    @invariant()
    def no_byte_is_wrong(self):
        if not hasattr(self, "line"):
            return
        for key, read in self.read.items():
            assert self.sent.get(key, b"").startswith(read), key
        for name, _, reader in self.ends():
            key = (name, reader.number, reader._key)
            if reader.ended and reader._key:
                assert key in self.ended
                assert self.read.get(key, b"") == self.sent.get(key, b"")

    def teardown(self):
        """The line is honest from now on."""
        if not hasattr(self, "line"):
            return
        line = self.line
        line.settle()
        for _ in range(3):  # one that is half open is found out by who sends
            for _, sender, receiver in self.ends():
                sender.send(line.now_ms, b"still there?")
                receiver.read(100000)
            line.wait(PATIENCE_MS)
            line.settle()
        line.cart.reset("anew")
        line.connect()
        line.wait(2 * RETRY_MS)
        line.settle()
        assert line.cart.state == line.gateway.state == OPEN
        assert everything(line, line.cart, line.gateway, b"x" * 3000) == b"x" * 3000
        assert everything(line, line.gateway, line.cart, b"y" * 3000) == b"y" * 3000


TestAnything = Anything.TestCase
