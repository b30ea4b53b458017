"""C8 and C13: the mail of a school day, as text, as HTML, and as a subject line."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from homeslot_hub.model import Calendar, Cart, CartFacts, Fact, FeedState, Person, SchoolDay
from homeslot_hub.rules.closures import troubles
from homeslot_hub.rules.judge import judge_cart
from homeslot_hub.service.digest import TAGS, TEXT_COLUMNS, URGENT_FIRST, compose

from .facts import AT_S, AWAY, BLIND, FAULTY, IDLE, OK, OVER, SCHOOL, WELL, at, with_slots

TEACHERS = ("Rivera", "Okafor", "Lindqvist", "Tran", "Abara", "Hale", "Novak")
CARTS = tuple(
    Cart(f"cart-{i}", i, f"Room {10 + i}", Person(f"Ms {name}", f"{name.lower()}@lincoln.example"))
    for i, name in enumerate(TEACHERS, 1)
)
DEAD_BANK = replace(with_slots(WELL, *range(11, 21), now=BLIND), banks=(OK, FAULTY, OK))
TROUBLE = {
    2: replace(WELL, bolt=Fact("open", at(15, 25))),
    3: replace(WELL, mains=Fact("off", at(12, 10))),
    4: with_slots(WELL, 5, now=IDLE),
    5: DEAD_BANK,
    6: replace(WELL, heard_s=at(14, 5)),
    7: with_slots(WELL, 12, now=AWAY),
}


def day_of(
    trouble: dict[int, CartFacts],
    carts: tuple[Cart, ...] = CARTS,
    judged_s: int = AT_S + 121,
    strangers: tuple[str, ...] = (),
) -> SchoolDay:
    judged = tuple(judge_cart(SCHOOL, c, trouble.get(c.number, WELL), AT_S) for c in carts)
    return SchoolDay(SCHOOL, "2026-11-17", AT_S, judged_s, judged, strangers)


class Page(HTMLParser):
    """Reads a page: its visible text, and that every tag that opens is closed in its turn."""

    VOID = ("meta", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.said = ""
        self.attributes: list[tuple[str, str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)
        self.said += "" if tag == "span" else " "

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.said += "" if tag == "span" else " "

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.said += data

    @property
    def text(self) -> str:
        return " ".join(self.said.split())


def one_line(text: str) -> str:
    return " ".join(text.split())


def test_c8_the_subject_says_school_day_deadline_and_outcome() -> None:
    assert compose(day_of(TROUBLE)).subject == (
        "Lincoln Elementary, Tue 17 Nov, 17:00: 1 device out, 40 unknown, 6 carts need a hand"
    )


@pytest.mark.parametrize("trouble", [TROUBLE, {}], ids=["trouble", "all home"])
def test_c13_no_person_is_named_in_the_subject(trouble: dict[int, CartFacts]) -> None:
    subject = compose(day_of(trouble)).subject
    people = [SCHOOL.coordinator, *(cart.teacher for cart in CARTS)]
    for person in people:
        for part in (*person.name.split(), person.email):
            assert part == "Ms" or part not in subject


def test_c13_a_line_break_in_the_name_of_a_school_cannot_reach_the_subject() -> None:
    day = replace(day_of({}), school=replace(SCHOOL, name="Lincoln\r\nBcc: all@example.org"))
    assert not {"\r", "\n"} & set(compose(day).subject)


def test_c2_all_home_is_a_message_too() -> None:
    digest = compose(day_of({}, CARTS[:4]))
    said = "all 120 devices home, 4 carts locked and plugged in"
    assert digest.subject.endswith(said)
    for text in (one_line(digest.text), Page(digest.html).text):
        assert "All 120 devices home, 4 carts locked and plugged in." in text
        assert "carts 1 to 4" in text
        assert "Next:" not in text


def test_c3_carts_that_need_no_lock_are_not_called_locked() -> None:
    open_too = (*CARTS[:2], replace(CARTS[2], lock="open"))
    assert "locked and plugged in (no lock is asked of cart 3)" in one_line(
        compose(day_of({}, open_too)).text
    )
    alone = compose(day_of({}, (replace(CARTS[2], lock="open"),)))
    assert "1 cart plugged in (no lock is asked for)" in alone.subject


def test_c2_all_devices_home_with_a_cart_to_see_to_says_both() -> None:
    subject = compose(day_of({3: TROUBLE[3]})).subject
    assert subject.endswith("all 210 devices home, 1 cart needs a hand")


def test_a_school_without_carts_is_told_so() -> None:
    digest = compose(day_of({}, ()))
    assert digest.subject.endswith("no carts are configured")
    assert "Fine" not in digest.text + digest.html


@pytest.mark.parametrize("part", ["text", "html"])
def test_c2_c3_c6_c7_each_part_alone_says_what_where_who_since_when_and_what_next(
    part: str,
) -> None:
    digest = compose(day_of(TROUBLE))
    text = one_line(digest.text) if part == "text" else Page(digest.html).text
    for said in (
        "7-12 has been out of its slot since 13:05.",
        "The cart has not been locked since 15:25",
        "The cart has been without power since 12:10.",
        "4-5 has drawn nothing since it was put back at 15:32.",
        "Sensor bank 2 has not answered since 13:20.",
        "Hidden behind this: slots 11 to 20 (unknown, not missing).",
        "Not heard since 14:05.",
        "Last known at 14:05: 30 home.",
        "Hidden behind this: slots 1 to 30 (unknown, not missing).",
        "Hidden behind this: whether slots 1 to 30 would charge.",
        "29 home, 1 out",
        "Fine: cart 1. All 30 devices home, locked and plugged in.",
        "Tuesday 17 November 2026, 17:00",
        "America/New_York",
    ):
        assert said in text
    assert text.count("Next:") == len(TROUBLE)
    for number in TROUBLE:
        cart = CARTS[number - 1]
        assert f"Cart {number} · {cart.room}" in text
        assert cart.teacher.name in text
        assert cart.teacher.email in (digest.text if part == "text" else digest.html)


def test_the_most_urgent_cart_stands_first() -> None:
    digest = compose(day_of({**TROUBLE, 1: with_slots(WELL, 20, now=OVER)}))
    order = [int(number) for number in re.findall(r"^Cart (\d+) ", digest.text, re.MULTILINE)]
    assert order == [1, 2, 7, 6, 3, 5, 4]


def test_every_finding_has_its_urgency() -> None:
    assert set(URGENT_FIRST) == set(TAGS)
    assert len(URGENT_FIRST) == len(TAGS)


def test_c2_causes_stand_before_symptoms_within_a_cart() -> None:
    facts = with_slots(DEAD_BANK, 3, now=AWAY)
    text = one_line(compose(day_of({5: facts})).text)
    assert text.index("Sensor bank 2") < text.index("5-3 has been out")


def test_c2_many_devices_out_are_one_group_with_ranges_by_the_time_they_left() -> None:
    yesterday = replace(AWAY, presence=Fact("absent", at(16, 0) - 86400))
    long_gone = replace(AWAY, presence=Fact("absent", None))
    facts = with_slots(with_slots(WELL, 12, *range(14, 20), now=AWAY), 2, now=yesterday)
    text = compose(day_of({7: with_slots(facts, 30, now=long_gone)})).text
    assert "OUT. 9 devices are out of their slots:" in text
    since = [line.strip() for line in text.splitlines() if line.strip().startswith("- ")]
    assert since == [
        "- 7-2 since Mon 16 Nov 16:00",
        "- 7-12, 7-14 to 7-19 since 13:05",
        "- 7-30, since when is not known",
    ]
    assert text.count("Next:") == 1


def test_c2_a_cartful_that_left_minute_by_minute_is_still_one_line() -> None:
    facts = WELL
    for number in range(1, 31):
        away = replace(AWAY, presence=Fact("absent", at(8, number)))
        facts = with_slots(facts, number, now=away)
    text = compose(day_of({7: facts})).text
    assert "- 7-1 to 7-30 since between 08:01 and 08:30" in text


def test_two_dead_banks_are_said_in_one_place_with_all_they_hide() -> None:
    facts = with_slots(WELL, *range(1, 21), now=BLIND)
    text = one_line(compose(day_of({5: replace(facts, banks=(FAULTY, FAULTY, OK))})).text)
    assert "Sensor bank 1 has not answered since 13:20. Sensor bank 2 has not" in text
    assert "slots 1 to 20 (unknown, not missing)" in text
    assert text.count("Next:") == 1


def test_c8_a_day_judged_late_says_so_and_why() -> None:
    digest = compose(day_of({}, judged_s=at(19, 40)))
    assert "Tue 17 Nov, 17:00 (late): " in digest.subject
    for text in (one_line(digest.text), Page(digest.html).text):
        assert "worked out at 19:40 instead of 17:02, because the hub was not at work" in text
        assert "It says how things stood at 17:00." in text


def test_c8_a_day_judged_the_next_morning_says_which_day_that_was() -> None:
    text = one_line(compose(day_of({}, judged_s=at(7, 0) + 86400)).text)
    assert "worked out at Wed 18 Nov 07:00 instead of 17:02" in text


def test_c8_a_day_judged_in_time_does_not_speak_of_lateness() -> None:
    digest = compose(day_of({}))
    assert "late" not in digest.subject and "late" not in digest.text


def test_unknown_controllers_are_named_at_the_end_and_not_believed() -> None:
    digest = compose(day_of(TROUBLE, strangers=("cart-9f3a", "cart-b2")))
    for text in (one_line(digest.text), Page(digest.html).text):
        assert "Reporting but not configured: cart-9f3a, cart-b2. Not believed" in text
        assert text.index("Fine:") < text.index("cart-9f3a")


def test_c8_a_cart_that_was_judged_at_a_deadline_of_its_own_says_so() -> None:
    judged = day_of(TROUBLE)
    carts = tuple(
        replace(cart, at_s=at(15, 30)) if cart.cart.number in (1, 6, 7) else cart
        for cart in judged.carts
    )
    digest = compose(replace(judged, carts=carts))
    for text in (one_line(digest.text), Page(digest.html).text):
        assert "29 home, 1 out, at 15:30, its own deadline" in text
        assert text.count("its own deadline") == 2
        assert "measured by 17:00 (carts 1, 6, 7 by 15:30); worked out at" in text


def test_c8_a_calendar_that_cannot_be_trusted_is_noted_at_the_foot_of_both_parts() -> None:
    feeds = (FeedState("https://x.org/a.ics", None, "<b>500</b>"), FeedState("b.ics", AT_S))
    school = replace(SCHOOL, calendar=Calendar({}, feeds))
    notes = troubles(school, AT_S)
    digest = compose(replace(day_of({}), calendar_troubles=notes))
    for text in (one_line(digest.text), Page(digest.html).text):
        first = "The calendar https://x.org/a.ics could not be read (<b>500</b>): whether"
        order = [text.index(said) for said in (first, "The calendar b.ics has no", "What counts")]
        assert order == sorted(order)
    assert max(len(line) for line in digest.text.splitlines()) <= TEXT_COLUMNS


def test_c4_no_line_breaks_within_the_number_of_a_device() -> None:
    html = compose(day_of({7: TROUBLE[7]})).html
    assert '<span class="n">7-12</span> has been out' in html


def test_the_text_keeps_to_its_columns_whatever_the_names() -> None:
    long = replace(CARTS[6], room="The old library " * 9, teacher=Person("M" * 99, "x" * 99 + "@y"))
    text = compose(day_of(TROUBLE, (*CARTS[:6], long), strangers=("c" * 32,) * 5)).text
    assert max(len(line) for line in text.splitlines()) <= TEXT_COLUMNS
    assert "\n\n\n" not in text
    assert text.endswith("\n")


def test_the_html_escapes_what_people_wrote() -> None:
    cart = replace(CARTS[6], room="<b>&", teacher=Person("<script>x</script>", 'a"><b>@x?cc=me'))
    html = compose(day_of(TROUBLE, (cart,))).html
    page = Page(html)
    assert "Cart 7 · <b>&" in page.text
    assert "<script" not in html and "<b>" not in html
    (link,) = [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")]
    assert link == "mailto:a%22%3E%3Cb%3E@x%3Fcc%3Dme"


def test_the_html_reads_on_a_phone_in_light_and_dark_and_fetches_nothing() -> None:
    html = compose(day_of(TROUBLE)).html
    page = Page(html)
    assert "prefers-color-scheme: dark" in html
    assert ("meta", "content", "width=device-width, initial-scale=1") in page.attributes
    assert ("html", "lang", "en") in page.attributes
    assert "http" not in html and "url(" not in html
    assert all(name != "src" for _, name, _ in page.attributes)
    assert "max-width:600px" in html
    assert len(html) < 100_000  # a larger mail is cut by Gmail, at 102 kB
