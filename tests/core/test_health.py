"""The health of a chip: a second of failures kills it, probes that back off revive it."""

from hypothesis import given
from hypothesis import strategies as st

from homeslot.core.health import DOUBT_MS, FAILURES, FIRST_PROBE_MS, LAST_PROBE_MS, Health


def alive():
    health = Health()
    health.answered()
    return health


def test_a_chip_is_dead_until_it_has_answered_and_is_asked_at_once():
    health = Health()
    assert not health.alive
    assert health.due(0)
    health.answered()
    assert health.alive


def test_fewer_failures_than_it_takes_are_noise():
    health = alive()
    for now_ms in range(0, 100000, 1000):
        for _ in range(FAILURES - 1):
            health.failed(now_ms)
        assert health.alive
        assert health.due(now_ms)
        health.answered()


def test_the_third_failure_in_a_row_makes_it_dead():
    health = alive()
    for now_ms in (0, 1000):
        health.failed(now_ms)
        assert health.alive
    health.failed(2000)
    assert not health.alive
    assert not health.due(2000)


def test_failures_that_follow_each_other_quickly_are_noise_for_a_second():
    health = alive()
    for now_ms in range(0, DOUBT_MS, 50):
        health.failed(now_ms)
        assert health.alive
    health.failed(DOUBT_MS)
    assert not health.alive


def test_a_dead_chip_is_probed_after_1_2_4_and_so_on_up_to_60_seconds():
    health = alive()
    now_ms, waits = DOUBT_MS, []
    for failed_ms in (0, 500, DOUBT_MS):
        health.failed(failed_ms)
    while len(waits) < 9:
        start_ms = now_ms
        while not health.due(now_ms):
            now_ms += 100
        waits.append((now_ms - start_ms) // 1000)
        health.failed(now_ms)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_one_answer_makes_it_whole_and_the_next_probes_begin_anew():
    health = Health()
    for now_ms in range(0, 1000000, 60000):
        health.failed(now_ms)
    health.answered()
    for _ in range(FAILURES - 1):
        health.failed(2000000 - DOUBT_MS)
    assert health.alive
    health.failed(2000000)
    assert not health.due(2000000 + FIRST_PROBE_MS - 1)
    assert health.due(2000000 + FIRST_PROBE_MS)


def test_a_chip_in_doubt_is_to_be_set_up_at_once_be_it_alive_or_waiting_for_its_probe():
    for failures in (0, FAILURES):
        health = alive()
        for n in range(failures):
            health.failed(n * 500)
        health.doubt()
        assert not health.alive
        assert health.due(1000)
        health.answered()
        assert health.alive


@given(
    # (how long after the last one, whether the chip answers if it is asked then)
    moments=st.lists(st.tuples(st.integers(0, 90000), st.booleans()), max_size=80)
)
def test_a_chip_is_dead_only_after_failures_and_never_left_alone_for_over_a_minute(moments):
    health, now_ms, asked_ms, alive = Health(), 0, 0, False
    failed_ms = []  # in a row
    for after_ms, answers in moments:
        now_ms += after_ms
        if health.alive or now_ms - asked_ms >= LAST_PROBE_MS:
            assert health.due(now_ms)
        if not health.due(now_ms):
            continue
        asked_ms = now_ms
        if answers:
            health.answered()
            alive, failed_ms = True, []
        else:
            health.failed(now_ms)
            failed_ms.append(now_ms)
            if len(failed_ms) >= FAILURES and now_ms - failed_ms[0] >= DOUBT_MS:
                alive = False
            assert health.alive or not health.due(now_ms)
        assert health.alive == alive
