"""Where the cart is: told once when it rests at another access point, and never as noise."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from homeslot.core.place import HOLD_MS, QUIET_MS, Place

HOME, HALL = "02:00:00:00:00:01", "02:00:00:00:00:02"
EVERY_MS = 10000


class Walk:
    """A cart that hears access points on a clock; `left` are the places it has left, and when."""

    def __init__(self):
        self.place = Place()
        self.now_ms = 0
        self.left = []

    def hears(self, bssid, for_ms):
        for _ in range(for_ms // EVERY_MS):
            self.now_ms += EVERY_MS
            left = self.place.step(self.now_ms, bssid)
            if left is not None:
                self.left.append((self.now_ms, left, self.place.bssid))
        return self


def test_the_first_access_point_is_its_place_and_no_change():
    walk = Walk().hears(None, HOLD_MS)
    assert walk.place.bssid is None
    walk.hears(HOME, EVERY_MS)
    assert (walk.place.bssid, walk.left) == (HOME, [])


def test_another_access_point_counts_after_it_was_heard_for_a_minute():
    walk = Walk().hears(HOME, QUIET_MS).hears(HALL, HOLD_MS)
    assert walk.place.bssid == HOME
    walk.hears(HALL, EVERY_MS)
    assert walk.left == [(QUIET_MS + HOLD_MS + EVERY_MS, HOME, HALL)]
    assert walk.hears(HALL, 2 * QUIET_MS).left[1:] == []


def test_a_cart_between_two_access_points_has_not_moved():
    walk = Walk().hears(HOME, HOLD_MS)
    for _ in range(200):
        walk.hears(HALL, HOLD_MS).hears(HOME, EVERY_MS)
    assert (walk.place.bssid, walk.left) == (HOME, [])


def test_a_cart_that_goes_back_and_forth_slowly_says_so_at_most_every_ten_minutes():
    walk = Walk()
    for _ in range(60):
        walk.hears(HOME, 2 * HOLD_MS).hears(HALL, 2 * HOLD_MS)
    times_ms = [at_ms for at_ms, _, _ in walk.left]
    assert len(times_ms) > 2
    assert all(b - a >= QUIET_MS for a, b in pairwise(times_ms))


def test_a_cart_that_heard_nothing_on_its_way_says_where_it_came_from():
    walk = Walk().hears(HOME, QUIET_MS).hears(None, QUIET_MS)
    assert walk.place.bssid == HOME
    assert [left[1:] for left in walk.hears(HALL, 2 * HOLD_MS).left] == [(HOME, HALL)]


@given(
    st.lists(
        st.tuples(st.sampled_from([None, HOME, HALL, "02:00:00:00:00:03"]), st.integers(1, 40)),
        max_size=40,
    )
)
def test_what_is_told_is_a_chain_that_ends_where_the_cart_comes_to_rest(heard):
    walk = Walk()
    for bssid, times in heard:
        walk.hears(bssid, times * EVERY_MS)
    first = next((bssid for bssid, _ in heard if bssid is not None), None)
    places = [first] + [place for _, _, place in walk.left]
    assert [left for _, left, _ in walk.left] == places[:-1]
    assert walk.place.bssid == places[-1]
    walk.hears(HALL, QUIET_MS + 2 * HOLD_MS)
    assert walk.place.bssid == HALL
