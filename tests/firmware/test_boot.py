"""Which side of the flash runs: homeslot_boot, at every order of starts, cuts and confirmations."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from homeslot_boot.boot import FILE, Boot
from homeslot_sim.cart.flash import Flash, PowerCut


def started(files, powered_on=False):
    boot = Boot(files)
    boot.begin(powered_on)
    return boot


def is_what(boot):
    return boot.side, boot.trial, boot.safe


def test_a_cart_fresh_from_the_bench_runs_side_a():
    assert is_what(started(Flash(), powered_on=True)) == ("a", False, False)


@pytest.mark.parametrize("powered_on", [False, True])
def test_a_trial_has_one_boot_and_then_the_other_side_runs_again(powered_on):
    files = Flash()
    started(files).order_trial("0.2.0")
    assert is_what(started(files)) == ("b", True, False)
    back = started(files, powered_on)
    assert is_what(back) == ("a", False, False)
    assert back.gave_up == "0.2.0"
    back.confirm()
    assert started(files).gave_up == "0.2.0"


def test_a_trial_that_is_confirmed_stays_and_forgets_what_was_given_up():
    files = Flash()
    started(files).order_trial("0.2.0")
    started(files)
    started(files).order_trial("0.3.0")
    trial = started(files)
    trial.confirm()
    assert not trial.trial
    later = started(files)
    assert (*is_what(later), later.gave_up) == ("b", False, False, "")
    later.order_trial("0.4.0")
    assert is_what(started(files)) == ("a", True, False)


def test_health_found_between_the_order_and_the_restart_does_not_undo_the_order():
    files = Flash()
    boot = started(files)
    boot.order_trial("0.2.0")
    boot.confirm()
    boot.forgive()
    assert is_what(started(files)) == ("b", True, False)


def test_after_three_boots_that_nobody_confirmed_comes_safe_mode():
    files = Flash()
    assert [started(files).safe for _ in range(5)] == [False, False, False, True, True]


def test_a_healthy_boot_clears_the_count():
    files = Flash()
    for _ in range(3):
        boot = started(files)
    boot.confirm()
    assert [started(files).safe for _ in range(4)] == [False, False, False, True]


def test_whoever_switches_the_cart_off_and_on_gets_three_boots_again():
    files = Flash()
    for _ in range(4):
        started(files)
    assert [started(files, on).safe for on in (True, False, False, False)] == [False] * 3 + [True]


def test_what_was_forgiven_gets_one_boot():
    files = Flash()
    for _ in range(4):
        boot = started(files)
    boot.forgive()
    assert [started(files).safe for _ in range(2)] == [False, True]


def test_a_cart_in_safe_mode_tries_an_update_and_when_that_fails_is_in_safe_mode_again():
    files = Flash()
    for _ in range(4):
        boot = started(files)
    boot.order_trial("0.2.0")
    assert is_what(started(files)) == ("b", True, False)
    assert is_what(started(files)) == ("a", False, True)


def test_a_flash_that_takes_no_more_is_no_reason_not_to_start():
    files = Flash()
    started(files).order_trial("0.2.0")
    files.full = True
    trial = started(files)
    assert is_what(trial) == ("b", True, False)
    with pytest.raises(OSError, match="no space"):
        trial.confirm()
    assert trial.trial, "the limit of the trial still holds"


@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["side", "stage", "failed", "tried", "gave_up"]), inner
            )
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_a_damaged_file_is_a_cart_fresh_from_the_bench_or_one_of_the_states_there_are(data):
    files = Flash()
    files.write(FILE, data)
    boot = started(files)
    assert boot.side in ("a", "b")
    boot.confirm()
    assert is_what(started(files)) == (boot.side, False, False)


def test_a_power_cut_at_any_byte_of_any_write_leaves_one_answer_old_or_new():
    """The whole life of an update, cut at each byte that it programs in turn."""

    def life(files):
        """The sides that would be run, were the power cut now: before and after each step."""
        boot = started(files, True)
        boot.confirm()
        boot.order_trial("0.2.0")
        boot = started(files)
        boot.confirm()
        started(files, True)

    whole = Flash()
    life(whole)
    for bytes_left in range(whole.programmed):
        files = Flash()
        files.bytes_left = bytes_left
        with pytest.raises(PowerCut):
            life(files)
        files.power_up()
        boot = started(files, True)
        assert not boot.safe
        if boot.trial:
            back = started(files, True)
            assert is_what(back) == ("a", False, False)
        boot = started(files, True)
        boot.confirm()
        assert is_what(started(files, True)) == (boot.side, False, False)


class AnyLife(RuleBasedStateMachine):
    """Whatever happens in whatever order: a side runs that was confirmed, or one on its trial."""

    def __init__(self):
        super().__init__()
        self.files = Flash()
        self.proved = "a"
        self.boot = started(self.files, True)
        self.ordered = False

    @rule(powered_on=st.booleans())
    def start(self, powered_on):
        was_ordered, self.ordered = self.ordered, False
        self.boot = started(self.files, powered_on)
        assert self.boot.trial == was_ordered
        if powered_on:
            assert not self.boot.safe

    @rule()
    def confirm(self):
        if not self.boot.safe and not self.ordered:
            self.boot.confirm()
            self.proved = self.boot.side

    @rule()
    def order(self):
        if not self.boot.trial and not self.ordered:
            self.boot.order_trial("0.2.0")
            self.ordered = True

    @rule()
    def forgive(self):
        self.boot.forgive()

    @invariant()
    def what_runs_is_proved_or_on_trial(self):
        assert self.boot.trial == (self.boot.side != self.proved)


TestAnyLife = AnyLife.TestCase
