"""What a link opens, by its matter: one request, one window, closed again."""

from __future__ import annotations

from homeslot_hub.service.answers import Answers
from homeslot_hub.service.links import Links
from homeslot_hub.service.sheets import Form, Sheet


class Window:
    """What the holder of a link sees and does at `now_s`."""

    def __init__(self, links: Links, answers: Answers, now_s: int) -> None:
        self._links = links
        self._answers = answers
        self._now_s = now_s

    def sheet(self, token: str) -> Sheet:
        """How what the link is about stands. Changes nothing. Raises LinkError, StoreError."""
        return self._answers.sheet(self._links.read(token, self._now_s))

    def act(self, token: str, form: Form) -> Sheet:
        """Do what `form` says. Raises LinkError, StoreError, and BadForm: nothing was done then."""
        return self._answers.act(self._links.read(token, self._now_s), form)
