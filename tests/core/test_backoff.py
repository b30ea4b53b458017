"""Back-off: longer after each failure, never too long, and not all carts at once."""

from hypothesis import given
from hypothesis import strategies as st

from homeslot.core.backoff import Backoff

SEEDS = st.integers(0, 1 << 40)


@given(first_ms=st.integers(2, 5000), factor=st.integers(1, 100), seed=SEEDS)
def test_each_delay_is_between_half_of_and_the_whole_double_of_the_last_up_to_the_cap(
    first_ms, factor, seed
):
    last_ms = first_ms * factor
    backoff, longest_ms = Backoff(first_ms, last_ms, seed), first_ms
    for _ in range(20):
        assert longest_ms // 2 <= backoff.next_ms() <= longest_ms
        longest_ms = min(2 * longest_ms, last_ms)
    assert longest_ms == last_ms or factor.bit_length() > 20


@given(seed=SEEDS, failures=st.integers(0, 30))
def test_after_success_it_begins_again_with_the_first_delay(seed, failures):
    backoff = Backoff(1000, 60000, seed)
    for _ in range(failures):
        backoff.next_ms()
    backoff.reset()
    assert 500 <= backoff.next_ms() <= 1000
    assert 1000 <= backoff.next_ms() <= 2000


@given(seed=SEEDS)
def test_the_same_seed_gives_the_same_delays(seed):
    one, other = Backoff(1000, 60000, seed), Backoff(1000, 60000, seed)
    assert [one.next_ms() for _ in range(10)] == [other.next_ms() for _ in range(10)]


def test_carts_that_fail_together_come_back_spread_over_half_the_delay():
    delays = []
    for seed in range(200):
        backoff = Backoff(1000, 60000, seed)
        for _ in range(8):
            backoff.next_ms()
        delays.append(backoff.next_ms())
    spans = [sum(delay // 5000 == span for delay in delays) for span in range(6, 12)]
    assert min(spans) >= 10  # of 200 in six spans of five seconds: nowhere none, nowhere most
    assert max(spans) <= 70
