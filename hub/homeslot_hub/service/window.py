"""What a link opens, by its matter: one request, one window, closed again."""

from __future__ import annotations

from homeslot_hub.service.answers import Answers
from homeslot_hub.service.decisions import Decisions
from homeslot_hub.service.links import Links, Matter
from homeslot_hub.service.sheets import Form, Sheet


class Window:
    """What the holder of a link sees and does at `now_s`."""

    def __init__(self, links: Links, answers: Answers, decisions: Decisions, now_s: int) -> None:
        self._links = links
        self._of: dict[Matter, Answers | Decisions] = {"answer": answers, "lock-down": decisions}
        self._now_s = now_s

    def sheet(self, token: str) -> Sheet:
        """How what the link is about stands. Changes nothing. Raises LinkError, StoreError."""
        link = self._links.read(token, self._now_s)
        return self._of[link.matter].sheet(link)

    def act(self, token: str, form: Form) -> Sheet:
        """Do what `form` says. Raises LinkError, StoreError, and BadForm: nothing was done then."""
        link = self._links.read(token, self._now_s)
        return self._of[link.matter].act(link, form)
