"""The outbox: bounded, honest about what it drops, and nothing leaves it unacknowledged."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from homeslot.outbox import Outbox


def event(seq):
    return (seq, 5000 + seq, None, "door", 0, "open", "closed", None)


def test_events_stay_until_they_are_let_go():
    outbox = Outbox(10)
    for seq in (1, 2, 3):
        outbox.put(event(seq))
    assert outbox.oldest(2) == [event(1), event(2)]
    assert len(outbox) == 3
    outbox.leave(1)
    assert outbox.oldest(10) == [event(2), event(3)]


def test_a_full_outbox_drops_its_oldest_and_counts_it():
    outbox = Outbox(3)
    for seq in range(1, 8):
        outbox.put(event(seq))
    assert outbox.oldest(10) == [event(5), event(6), event(7)]
    assert outbox.dropped == 4


def test_the_sender_is_woken_by_each_event_and_finds_it_there():
    outbox, found = Outbox(2), []
    outbox.changed = lambda: found.append(outbox.oldest(9)[-1][0])
    for seq in (1, 2, 3):
        outbox.put(event(seq))
    assert found == [1, 2, 3]


@pytest.mark.parametrize("seq", [0, 4, 99])
def test_an_acknowledgement_of_what_was_dropped_or_never_sent_takes_nothing_newer(seq):
    outbox = Outbox(2)
    for number in (3, 4, 5, 6):
        outbox.put(event(number))
    outbox.leave(seq)
    assert outbox.oldest(9) == [event(n) for n in (5, 6) if n > seq]


class OutboxMachine(RuleBasedStateMachine):
    """Against a plain list: everything ever put, less what was dropped and what was let go."""

    @initialize(limit=st.integers(1, 12))
    def start(self, limit):
        self.limit = limit
        self.outbox = Outbox(limit)
        self.model = []
        self.seq = self.put = self.left = self.sent = 0

    @rule(gap=st.integers(1, 3))
    def happen(self, gap):
        self.seq += gap
        self.put += 1
        self.outbox.put(event(self.seq))
        self.model = [*self.model, self.seq][-self.limit :]

    @rule(count=st.integers(0, 20))
    def send(self, count):
        window = self.outbox.oldest(count)
        assert window == [event(seq) for seq in self.model[:count]]
        self.sent = window[-1][0] if window else 0

    @rule()
    def acknowledge(self):
        """The broker has all that was sent last; some of it may have been dropped since."""
        gone = sum(seq <= self.sent for seq in self.model)
        self.outbox.leave(self.sent)
        self.model = self.model[gone:]
        self.left += gone

    @invariant()
    def holds_what_the_list_holds_and_accounts_for_the_rest(self):
        if hasattr(self, "outbox"):
            assert self.outbox.oldest(99) == [event(seq) for seq in self.model]
            assert len(self.outbox) == len(self.model) <= self.limit
            assert self.put == len(self.model) + self.left + self.outbox.dropped


TestOutboxMachine = OutboxMachine.TestCase
