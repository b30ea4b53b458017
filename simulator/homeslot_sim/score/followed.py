"""What follows a deadline and goes before it, laid beside the truth: who was told what, and once.

Theory of operation. A book is kept of each person: what they were told is wrong, and not yet that
it is right again. It is written from letters alone. At each step the truth of that very moment
(`knowable`, judged at once) says:

- *nudge*: what must, may or must not be said of each cart, to its own teacher;
- *still wrong* (late and overnight): the same, of what the person knows already, or in the evening
  of everything. A cable stays suspected until current has surely flowed;
- *right again*: it was in the book, and is not so now. What is in the book, and surely not so and
  not hidden, must be said, once;
- *corrected*: the deadline judged again by what could have come in since. What the digest said and
  that truth does not have is withdrawn; what it has and the digest had not is added; each once;
- *morning*: every slot in one word (C10), as true as the cart could sense: batteries are read off
  the world.

A finding that has no truth (see `knowable.TRUTHS`), and a letter of a step that is not known here,
is counted as not judged, wherever it stands.

Letters are counted for themselves: each step of each school day that the hub was there for is taken
once, and what it says leaves the outbox once for each person, and never on a closed day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta

from homeslot_sim.score.district import District
from homeslot_sim.score.knowable import EDGE_S, Claim, Key
from homeslot_sim.score.moment import Found, Moment, visible
from homeslot_sim.score.plan import (
    CORRECTED_S,
    DaySaid,
    Heard,
    Letter,
    Mail,
    SchoolPlan,
    StepSaid,
)
from homeslot_sim.score.server_room import TICK_MS
from homeslot_sim.score.tally import DEADLINE, JUDGED, LATE_S, Tally, keys_of

LETTER = "letter"
STEPS = frozenset({DEADLINE, "morning", "nudge", "late", "overnight", "week"})  # of known letters
_QUIET_UNTIL = time(6, 0)  # the hub's own
Thing = tuple[int, Key]  # a cart's number, and what of it


@dataclass(slots=True)
class _Digest:
    """The last deadline of a school that was judged, what it said, and what was told since."""

    day: date
    deadline_s: int
    said: set[Thing]
    told: set[Thing] = field(default_factory=set)


class Followed:
    """Counts what the hub says besides its digests into `tally`, as the carts are `lived`."""

    def __init__(self, lived: District, tally: Tally) -> None:
        self._lived, self._tally = lived, tally
        self._schools = {school.name: school for school in lived.schools}
        self._books: defaultdict[str, dict[Thing, date]] = defaultdict(dict)
        self._digests: dict[str, _Digest] = {}
        self._judged: defaultdict[str, set[date]] = defaultdict(set)
        self._taken: set[tuple[str, date, str]] = set()
        self._letters: Counter[tuple[str, date, str, str]] = Counter()
        self._mails: Counter[tuple[str, date, str, str]] = Counter()

    # What is said

    def day(self, said: DaySaid) -> None:
        """A digest went out."""
        school = self._schools[said.school]
        things = {
            (number, key)
            for number, alerts in said.carts.items()
            for alert in alerts
            for key in keys_of(alert)
            if key[0] in JUDGED
        }
        self._digests[said.school] = _Digest(said.day, said.deadline_s, things)
        self._judged[said.school].add(said.day)
        self._letters[said.school, said.day, DEADLINE, school.coordinator.email] += 1
        self._books[school.coordinator.email].update(dict.fromkeys(things, said.day))

    def step(self, said: StepSaid) -> list[Found]:
        """A step was taken; what was wrong with it."""
        school = self._schools[said.school]
        for letter in said.letters:
            self._letters[said.school, said.day, said.step, letter.to] += 1
        at = said.school, said.day, said.step
        if at in self._taken or not school.year.is_school_day(said.day):
            what = "duplicate" if at in self._taken else "false"
            return [self._letter(what, said.step, said.day, said.at_s)]
        self._taken.add(at)
        if said.step == "week":
            return self._week(school, said)
        moment = Moment(self._lived, school, said)
        if said.step == "nudge":
            self._nudge(moment)
        else:
            people = [school.coordinator.email]
            people += [school.principal.email] * (said.step == "overnight")
            letters = {letter.to: letter for letter in said.letters}
            for person in people:
                self._follow(moment, person, letters.pop(person, None))
            for _ in letters:
                moment.found[None] += self._tally.count("false", said.step, LETTER, 0)
        return moment.all_found()

    def mail(self, mail: Mail) -> None:
        """A notice has left the outbox."""
        if mail.day < self._lived.start:
            return  # where it is still the day before, the beginning was in the middle of it
        if mail.rule not in STEPS:
            self._tally.count("unjudged", DEADLINE, f"{mail.rule} letter", 0)
            return
        self._mails[mail.school, mail.day, mail.rule, mail.to] += 1
        school = self._schools[mail.school]
        if mail.rule == DEADLINE:
            due_s = school.deadline_s(mail.day) + self._lived.hub.limits[2]
        else:
            due_s, _ = school.steps_s(mail.day).get(mail.rule, (mail.at_s, 0))
        if mail.at_s > due_s + LATE_S:
            self._tally.count("late", mail.rule, LETTER, 0)

    # Each step

    def _nudge(self, moment: Moment) -> None:
        told = {}
        for letter in moment.said.letters:
            for number, alerts in (letter.nudged or {}).items():
                place = moment.places.get(number)
                if place is None or place.plan.teacher.email != letter.to:
                    moment.found[None] += self._tally.count("false", "nudge", LETTER, number)
                told[number] = alerts
        for number in moment.places:
            moment.found[number] += self._tally.add(
                told.get(number, []), moment.now(number), self._lived.each, False, "nudge"
            )

    def _week(self, school: SchoolPlan, said: StepSaid) -> list[Found]:
        monday = said.day - timedelta(days=said.day.weekday())
        start = self._lived.start
        days = [monday + timedelta(days=n) for n in range(7)]
        days = [day for day in days if school.year.is_school_day(day) and day >= start]
        judged, found = sum(day in self._judged[school.name] for day in days), list[Found]()
        # Where it is still the day before at the beginning, that one is judged too.
        counts = [(judged + n, len(days) - judged) for n in range(1 + (monday < start))]
        for letter in said.letters:
            if letter.week not in counts or letter.to != school.coordinator.email:
                found.append(self._letter("false", "week", said.day, said.at_s))
        if not said.letters:
            found.append(self._letter("missed", "week", said.day, said.at_s))
        return found

    def _follow(self, moment: Moment, person: str, letter: Letter | None) -> None:
        """Late, overnight or morning, to one person; None: nothing was to be told."""
        said, book, shown = moment.said, self._books[person], letter or Letter(person)
        digest = self._digests.get(said.school)
        corrects = (
            digest is not None
            and person == moment.school.coordinator.email
            and said.at_s <= digest.deadline_s + CORRECTED_S
        )
        flapping = set(_things(shown.flapping))
        for heard in shown.corrected:
            self._corrected(moment, book, heard, digest)
        for heard in shown.right:
            self._right(moment, book, heard)
        if digest is not None:
            digest.told.update(_things((*shown.corrected, *shown.right)))
        known = frozenset(book)
        wrong = set(_things(shown.wrong))
        book.update({thing: said.day for thing in wrong if thing not in book})
        if said.step == "overnight" or (said.step == "late" and letter is not None):
            self._still(moment, shown, known, flapping)
        for number, key in sorted(set(book) - wrong - flapping):
            if moment.claim(number, key) == "never" and moment.visible(number, key):
                moment.found[number] += self._tally.count("missed", "right again", *key)
                del book[number, key]  # said once
        if corrects and digest is not None:
            self._uncorrected(moment, book, digest, wrong | flapping)
        if said.step == "morning":
            if shown.ready is None:
                moment.found[None] += self._tally.count("missed", "morning", LETTER, 0)
            for number, ready in (shown.ready or {}).items():
                self._ready(moment, number, ready)

    def _corrected(
        self, moment: Moment, book: dict[Thing, date], heard: Heard, digest: _Digest | None
    ) -> None:
        for key in keys_of(heard.alert):
            thing = heard.cart, key
            if key[0] not in JUDGED:
                self._tally.count("unjudged", "corrected", *key)
                continue
            then = None if digest is None else moment.then(heard.cart, digest.deadline_s)
            claim: Claim = "may" if then is None else then.claim(key)
            what = "true"
            if heard.added:
                if thing in book:
                    what = "duplicate"
                elif claim == "never":
                    what = "false"
                if heard.right_s is None:
                    book[thing] = moment.said.day
            else:
                if book.pop(thing, None) is None:
                    what = "duplicate"
                elif claim == "must":
                    what = "false"
            if what == "true" and claim == "may":
                self._tally.count("either", "corrected", *key)
            moment.found[heard.cart] += self._tally.count(what, "corrected", *key)

    def _right(self, moment: Moment, book: dict[Thing, date], heard: Heard) -> None:
        for key in keys_of(heard.alert):
            if key[0] not in JUDGED:
                self._tally.count("unjudged", "right again", *key)
                continue
            what = "true"
            if book.pop((heard.cart, key), None) is None:
                what = "duplicate"
            elif moment.claim(heard.cart, key) == "must" or not moment.was_right(heard, key):
                what = "false"
            elif moment.claim(heard.cart, key) == "may":
                self._tally.count("either", "right again", *key)
            moment.found[heard.cart] += self._tally.count(what, "right again", *key)

    def _still(
        self, moment: Moment, shown: Letter, known: frozenset[Thing], flapping: set[Thing]
    ) -> None:
        said = defaultdict(list)
        for heard in shown.wrong:
            said[heard.cart].append(heard.alert)
        for number in moment.places:
            true = moment.now(number)
            claims = dict(true.claims)
            for finding, slot in (key for of, key in known if of == number):
                if finding == "not_charging" and slot not in true.fed:
                    claims.setdefault((finding, slot), "may")
            for key, claim in claims.items():
                # Only the evening opens what was not wrong at the deadline.
                new = moment.said.step == "late" and (number, key) not in known
                if claim == "must" and (new or (number, key) in flapping):
                    claims[key] = "may"
            moment.found[number] += self._tally.add(
                said[number], replace(true, claims=claims), self._lived.each, False,
                f"{moment.said.step}: still wrong",
            )  # fmt: skip

    def _uncorrected(
        self, moment: Moment, book: dict[Thing, date], digest: _Digest, shown: set[Thing]
    ) -> None:
        """What the digest said, or did not, and no letter has put right."""
        for number, key in digest.said - shown:
            if (number, key) not in book:
                continue
            then = moment.then(number, digest.deadline_s)
            if then.claim(key) == "never" and visible(then, key, self._lived.each):
                moment.found[number] += self._tally.count("missed", "corrected", *key)
                del book[number, key]
        for number in moment.places:
            for key, claim in moment.then(number, digest.deadline_s).claims.items():
                thing = number, key
                known = thing in digest.said or thing in digest.told or thing in book
                if claim == "must" and not known:
                    moment.found[number] += self._tally.count("missed", "corrected", *key)
                    digest.told.add(thing)  # missed once

    def _ready(self, moment: Moment, number: int, said: dict[str, tuple[int, ...]]) -> None:
        place = moment.places[number]
        words = {slot: word for word, slots in said.items() for slot in slots}
        for i in range(len(place.cart.world.good["device"])):
            if i + 1 in place.plan.spare:
                continue
            word, allowed = words.get(i + 1), moment.readiness(number, i)
            if word in allowed:
                self._tally.count("true", "morning", word, i + 1)
                if len(allowed) > 1:
                    self._tally.count("either", "morning", word, i + 1)
                continue
            if word is not None:
                moment.found[number] += self._tally.count("false", "morning", word, i + 1)
            if word is None or len(allowed) == 1:
                moment.found[number] += self._tally.count("missed", "morning", min(allowed), i + 1)

    # Letters

    def end(self) -> list[Found]:
        """All days are over: which steps were not taken, and which letters did not go once."""
        found, end_s = [], self._lived.time.now_s
        for school in self._lived.schools:
            for n in range(self._lived.days):
                day = self._lived.start + timedelta(days=n)
                if not school.year.is_school_day(day):
                    continue
                for step, (from_s, until_s) in school.steps_s(day).items():
                    taken = (school.name, day, step) in self._taken
                    if not taken and self._had_time(from_s, min(until_s, end_s)):
                        found.append(self._letter("missed", step, day, from_s))
        for at, times in self._letters.items():
            _, day, step, _ = at
            gone = self._mails.pop(at, 0)
            quiet = gone == 0 and self._waits(at)
            if times == gone == 1:
                self._tally.count("true", step, LETTER, 0)
            elif not quiet:
                what = "missed" if gone < times else "duplicate"
                found.append(self._letter(what, step, day, end_s))
        for _, day, step, _ in self._mails:
            found.append(self._letter("false", step, day, end_s))
        return found

    def _had_time(self, from_s: int, until_s: int) -> bool:
        """Whether the hub was at work at some moment from `from_s` to `until_s`."""
        ready_s = self._lived.hub.limits[2] + EDGE_S
        look_s = TICK_MS // 1000 + EDGE_S
        start_s = self._lived.time.start_s
        if from_s <= start_s:
            return False  # before this hub's time
        return any(
            min(to_s, until_s) - max(up_s + ready_s, from_s) > look_s
            for up_s, to_s in self._lived.server.truth.hub.spells(start_s, until_s)
        )

    def _waits(self, at: tuple[str, date, str, str]) -> bool:
        """Whether a letter of the last night still waits for the morning."""
        school, day, _, _ = at
        end_s = self._schools[school].at_s(day + timedelta(days=1), _QUIET_UNTIL)
        return self._lived.time.now_s < end_s + 3600

    def _letter(self, what: str, step: str, day: date, at_s: int) -> Found:
        return Found(None, day, at_s, self._tally.count(what, step, LETTER, 0))


def _things(heard: Iterable[Heard]) -> Iterator[Thing]:
    for one in heard:
        for key in keys_of(one.alert):
            if key[0] in JUDGED:
                yield one.cart, key
