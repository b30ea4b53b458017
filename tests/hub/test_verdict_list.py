"""Every kind of verdict, from what a cart says on the wire to the words a person reads.

What happens is written as a person would tell it: `15:30 slot 2 empty`. The cart has six slots in
two banks, each with a device that has drawn and rests; it is locked, plugged in and in its place.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

import pytest

from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.bootstrap import open_store
from homeslot_hub.service import register_tables as tables
from homeslot_hub.service.register import Touched

from .evening import FOLLOWED, Evening, local
from .reports import CART, TEACHER
from .test_cables import DAY_S, HOUR_S, reported

SIX = replace(CART, slots=6, storage=frozenset({"aa:bb:cc:dd:ee:ff"}))
OPENED = ("{} bolt open", "{} door open")
LOCKED = ("{} door closed", "{} bolt thrown")


@pytest.fixture
def live(tmp_path):
    """Live what happens to a cart until `until`, a time of the day or of the next."""
    opened = []

    def live(*deeds, cart=SIX, until="17:05", recorded=()):
        evening = Evening(tmp_path, replace(FOLLOWED, carts=(cart,)))
        opened.append(evening)
        for kind, row in recorded:
            record(evening.register, local(9), kind, *row)
        for deed in deeds:
            at, thing, *rest = deed.split()
            evening.run_to(moment(at))
            if thing == "silent":
                evening.silent.add(cart.controller)
                continue
            number = int(rest[0]) if len(rest) == 2 else 0
            evening.says([evening.cart.event(thing, number, rest[-1])])
        evening.run_to(moment(until))
        return evening

    yield live
    for evening in opened:
        evening.close()


def moment(text):
    """`16:30`, or `+07:15` on the next day."""
    hour, minute = map(int, text.removeprefix("+").split(":"))
    return local(hour, minute, day=18 if text.startswith("+") else 17)


def at(deeds, clock):
    return tuple(deed.format(clock) for deed in deeds)


def record(register, at_s, kind, *row):
    with register.transaction():
        touched = Touched(kind, kind.key(row), None, row)
        register.add_change(at_s, "rosa", "set", "", [touched])


def alarm(evening):
    """The one notice that came out of hours."""
    (notice,) = [n for n in evening.store.notices_to_file() if n.rule.startswith("alarm")]
    return " ".join(notice.text.split())


IN_A_LESSON = (*at(OPENED, "15:10"), *(f"15:10 slot {slot} empty" for slot in (1, 2, 3)))
DIGEST = {
    "device not home": (
        (*at(OPENED, "15:30"), "15:30 slot 2 empty", *at(LOCKED, "15:31")),
        "OUT. 7-2 has been out of its slot since 15:30. Next: Find it, put it back in its own slot "
        "and plug in its cable.",
    ),
    "not charging, the cable perhaps": (
        (*IN_A_LESSON, "15:20 slot 1 charging", "15:20 slot 2 idle", "15:20 slot 3 charging",
         *at(LOCKED, "15:21")),
        "NOT CHARGING (LIKELY). 7-2 has drawn nothing since it was put back at 15:20. Next: Check "
        "the charging cable at both ends. If it is in, the device is full, or its cable or battery "
        "is bad: try it in another slot.",
    ),
    "not charging, the shelf perhaps": (
        (*IN_A_LESSON, *(f"15:20 slot {slot} idle" for slot in (1, 2, 3)), *at(LOCKED, "15:21")),
        "NOT CHARGING (LIKELY). 3 devices have drawn nothing: - 7-1 to 7-3 since 15:20 Next: None "
        "of slots 1 to 3 draws, all of one shelf: look at the power of that shelf before any "
        "cable.",
    ),
    "cart unplugged": (
        ("15:30 mains off",),
        "NOT PLUGGED IN. The cart has been without power since 15:30. Hidden behind this: whether "
        "slots 1 to 6 would charge. Next: Plug the cart into the wall.",
    ),
    "cart unlocked": (
        ("15:30 bolt open",),
        "NOT LOCKED. The cart has not been locked since 15:30; its door is closed. Next: Close the "
        "door and lock the cart.",
    ),
    "cart elsewhere than its storage place": (
        ("15:30 place 02:00:00:00:00:01",),
        "NOT IN ITS PLACE (LIKELY). The cart has not been in its storage place since 15:30. Next: "
        "Bring the cart back to Room 12.",
    ),
    "cart silent": (
        ("15:30 silent",),
        "SILENT. Not heard since 15:30. Last known at 15:30: 6 home. Hidden behind this: slots 1 "
        "to 6 (unknown, not missing). Next: Go and see that the cart is in its place",
    ),
    "cart with a faulty bank": (
        ("15:30 bank 2 faulty", *(f"15:30 slot {slot} unknown" for slot in (4, 5, 6))),
        "SENSOR FAULT. Sensor bank 2 has not answered since 15:30. Hidden behind this: slots 4 to "
        "6 (unknown, not missing). Next: Count the devices in its slots by eye.",
    ),
    "contradiction: removal while locked": (
        ("15:30 slot 2 empty", "15:40 slot 3 empty"),
        "OUT (LIKELY). 2 devices left their slots while the cart was locked and shut: - 7-2 since "
        "15:30 - 7-3 since 15:40 Next: Look in the slot first: its switch may be wrong. If the "
        "device is gone, somebody got in another way",
    ),
    "contradiction: mains lost then silence": (
        ("15:30 mains off", "15:40 silent"),
        "SILENT. Not heard since 15:40; it had been without power since 15:30. Last known at "
        "15:40: 6 home. Hidden behind this: slots 1 to 6 (unknown, not missing). Next: "
        "Plug the cart in: it had no power when it was last heard, so its battery may be empty.",
    ),
    "draw in an empty slot": (
        ("15:30 slot 2 mismatch",),
        "SENSOR FAULT. Something has drawn current in slot 2 since 15:30, and its switch says it "
        "is empty. Hidden behind this: slot 2 (unknown, not missing). Next: Look in the slot: a "
        "device may be in it without pressing its switch, or something else may hang on its cable.",
    ),
    "draw in several empty slots": (
        ("15:30 slot 2 mismatch", "15:30 slot 5 mismatch"),
        "SENSOR FAULT. Something draws current in 2 slots whose switches say empty: - 7-2, 7-5 "
        "since 15:30",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("deeds", "says"), DIGEST.values(), ids=DIGEST)
def test_the_digest_says_it(live, deeds, says):
    digest = live(*deeds).text("C8")
    assert says in digest
    assert digest.count("Next:") == 1  # and nothing besides


def test_c7_a_device_that_drew_until_it_was_full_is_nothing_to_be_said(live):
    evening = live(
        *IN_A_LESSON, *(f"15:20 slot {slot} full" for slot in (1, 2, 3)), *at(LOCKED, "15:21")
    )
    assert "All 6 devices home, 1 cart locked and plugged in." in evening.text("C8")


@pytest.mark.parametrize(("put_back", "said"), [("15:55", True), ("16:05", False)])
def test_c1_a_shelf_that_takes_turns_is_waited_for_and_then_known_to_have_had_its_turn(
    live, put_back, said
):
    back = (f"{put_back} slot {slot} charging" for slot in (1, 3))
    locked = at(LOCKED, put_back)
    rotating = replace(SIX, rotates=True)
    evening = live(*IN_A_LESSON, *back, f"{put_back} slot 2 idle", *locked, cart=rotating)
    verdicts = evening.days[-1].carts[0].verdicts
    assert [verdict.slots for verdict in verdicts] == [(2,)] * said
    assert all(verdict.evidence.endswith("; its shelf has had its turn.") for verdict in verdicts)


def test_c1_a_draw_in_a_spare_slot_that_says_it_is_empty_is_said_and_hides_nobody(live):
    evening = live("15:30 slot 6 mismatch", cart=replace(SIX, spare=frozenset({6})))
    text = evening.text("C8")
    assert "Something has drawn current in slot 6 since 15:30" in text
    assert "Hidden" not in text and "5 home" in text


@pytest.mark.parametrize("word", ["mismatch", "unsteady", "unknown"])
def test_c2_a_slot_whose_switch_cannot_be_right_is_never_out(live, word):
    (cart,) = live(f"15:30 slot 2 {word}").days[-1].carts
    assert cart.places[1] == "unknown"
    assert {verdict.finding for verdict in cart.verdicts} == {"sensor_fault"}


# Out of hours


def test_c12_unlocked_out_of_hours(live):
    assert "Out of hours it was unlocked at 22:00." in alarm(live("22:00 bolt open", until="22:15"))


def test_c12_opened_out_of_hours(live):
    evening = live(*at(OPENED, "22:00"), until="22:15")
    assert "Out of hours its door was opened at 22:00." in alarm(evening)


def test_c12_emptied_out_of_hours(live):
    deeds = (*at(OPENED, "22:00"), "22:00 slot 2 empty", *at(LOCKED, "22:05"))
    assert "Out of hours 7-2 left its slot at 22:00." in alarm(live(*deeds, until="22:15"))


def test_c12_contradiction_many_removals_at_night_from_a_locked_cart(live):
    evening = live(*(f"22:0{slot} slot {slot} empty" for slot in range(1, 6)), until="22:15")
    text = alarm(evening)
    assert (
        "Out of hours 7-1 to 7-5 left their slots between 22:01 and 22:05 while it was locked and "
        "shut. Next: Have someone look at the cart and its back: either somebody got in another "
        "way, or these switches are wrong." in text
    )
    assert evening.alert("disturbed").confidence == "inferred"
    assert len([a for a in evening.alerts.active(FOLLOWED.name, "2026-11-17") if not a.over]) == 1


# What is recorded beside what is sensed


def test_n3_more_devices_out_than_the_teachers_allotment(live):
    taken = (*at(OPENED, "15:30"), *(f"15:30 slot {n} empty" for n in (1, 2, 3)))
    teacher = (TEACHER.email, TEACHER.name, "2")
    text = live(*taken, recorded=[(tables.TEACHERS, teacher)]).text("C8")
    assert "OVER ALLOTMENT. Ms Rivera has 3 devices out, and 2 allotted: 7-1 to 7-3." in text


def test_n4_devices_out_on_a_substitute_day(live):
    taken = (*at(OPENED, "15:30"), "15:30 slot 1 empty")
    day = (TEACHER.email, "2026-11-17")
    text = live(*taken, recorded=[(tables.SUBSTITUTES, day)]).text("C8")
    assert "SUBSTITUTE DAY. A substitute stands in for Ms Rivera today, and 7-1 is out." in text


def test_n10_present_but_never_drawing_and_it_follows_the_device(installed):
    """Eight days up to now: 7-2 never drew, until its device was moved to slot 3."""
    begin_s = int(time.time()) - 8 * DAY_S - 60
    cart, said = reported(8, begin_s, dead=lambda day: {2} if day < 4 else {3})
    installed.take(cart.now_s, *said)
    with closing(open_store(installed.settings)) as store:
        register = SqliteRegister(store)
        for at_s, tags in (
            (begin_s, ("A-2", "A-3")),
            (begin_s + 4 * DAY_S + 3 * HOUR_S, ("A-3", "A-2")),
        ):
            for slot, tag in zip("23", tags, strict=True):
                row = ("Lincoln", "7", slot, tag, "tablet", "in service")
                record(register, at_s, tables.DEVICES, *row)
    file = installed.folder / "cables.csv"
    installed.ok("cables", "--csv", str(file))
    text = file.read_text("utf-8-sig")
    assert "It followed the device." in text
    assert "Have the device with tag A-2 looked at" in text


def test_c10_readiness_for_the_morning(live):
    back = ("17:30 slot 1 charging", "17:30 slot 2 idle", "19:00 slot 3 unknown")
    taken = (*at(OPENED, "15:30"), *(f"15:30 slot {n} empty" for n in (1, 2, 4)))
    evening = live(*taken, *at(LOCKED, "15:31"), *back, until="+07:20")
    text = evening.text("morning")
    assert "3 devices charged or charging, 1 not, 1 away, 1 unknown" in text.lower()
    assert "DREW NOTHING. - Cart 7 · Room 12: 7-2 Next: Check their charging cables." in text
