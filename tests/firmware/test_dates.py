"""The clock that TLS goes by: set when the time is told, and at each start to the last that was."""

from hypothesis import given
from hypothesis import strategies as st

from homeslot import contract
from homeslot.app.dates import Dates
from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.rig import Controller

from .school import START_S, play

DAY_S = 86400
TIMES_S = st.integers(contract.FIRST_S, contract.LAST_S)


class Clocked(Controller):
    """A controller whose own clock can be read; None is as it was switched on."""

    def __init__(self):
        self.clock_s = None

    def set_clock(self, at_s):
        self.clock_s = at_s


class Counted(Drawer):
    """A flash that counts what is written to it."""

    def __init__(self):
        super().__init__()
        self.writes = 0

    def write(self, name, data):
        self.writes += 1
        super().write(name, data)


def test_a_new_controller_keeps_the_clock_it_has():
    system = Clocked()
    Dates(Drawer(), system)
    assert system.clock_s is None


@given(told=st.lists(TIMES_S, min_size=1))
def test_after_a_start_it_is_at_most_a_day_from_the_last_time_that_was_told(told):
    files, system = Drawer(), Clocked()
    dates = Dates(files, system)
    for at_s in told:
        dates.told(at_s)
        assert system.clock_s == at_s
    after = Clocked()
    Dates(files, after)
    assert abs(after.clock_s - told[-1]) < DAY_S


def test_the_flash_is_written_once_a_day():
    files = Counted()
    dates = Dates(files, Clocked())
    for hour in range(24 * 30):
        dates.told(contract.FIRST_S + hour * 3600)
    assert files.writes == 30


def test_the_hubs_time_sets_the_clock_of_a_cart_that_goes_by_tls_and_of_no_other():
    async def act(school):
        by_tls, plain = Clocked(), Clocked()
        school.cart(system=plain)
        await school.until_s(10)
        school.carts.pop().cancel()
        school.cart(system=by_tls, changes={"tls": 1})
        await school.until_s(20)
        assert plain.clock_s is None
        assert START_S + 10 <= by_tls.clock_s <= START_S + 20

    play(act)
