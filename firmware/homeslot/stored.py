"""The settings of one cart, kept in a file that is replaced whole or not at all.

Another way to the hub that was told from afar is only tried: the settings before it are kept in a
second file until the hub was reached by it, or it is given up.
"""

import json

from homeslot.core.settings import WAY, BadSetting, problems, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.core.settings import Values
    from homeslot.ports import Files

FILE = "settings.json"
BEFORE = "settings.before"  # while there is such a file, those in FILE are tried


class Stored:
    """The settings in force: `values`, read from `files` once. A change counts from the next start.

    What is wrong with the file is left out, its default stands in, and `wrong` has a line for it.
    """

    def __init__(self, files: "Files") -> None:
        self._files = files
        self.tried = files.read(BEFORE) is not None
        self.wrong: "list[str]" = []
        self._changes: "Values" = {}
        text = files.read(FILE)
        try:
            given = json.loads(text.decode()) if text else {}
        except (ValueError, RuntimeError, MemoryError):
            given = None
        if not isinstance(given, dict):
            self.wrong.append("is not a JSON object")
            given = {}
        for name, value in given.items():
            found = problems({name: value})
            if found:
                self.wrong += found
            else:
                self._changes[name] = value
        self.values = settings(self._changes)

    def change(self, changes: "Values", afar: bool = False) -> bool:
        """Keep `changes`. True when a start is needed for what is kept to be in force.

        From `afar` another way to the hub is to be tried. Raises BadSetting, and OSError from the
        flash: then nothing is changed.
        """
        found = problems(changes)
        if found:
            raise BadSetting("\n".join(found))
        kept = self._changes.copy()
        kept.update(changes)
        if kept != self._changes:
            if not afar:
                self.keep()
            elif any([kept.get(name) != self._changes.get(name) for name in WAY]):
                if self._files.read(BEFORE) is None:  # else the last that led to the hub
                    self._files.write(BEFORE, json.dumps(self._changes).encode())
            self._files.write(FILE, json.dumps(kept).encode())
            self._changes = kept
        return settings(kept) != self.values

    def keep(self) -> None:
        """What is tried has proved itself, or someone at the cart knows better. Raises OSError."""
        self._files.remove(BEFORE)
        self.tried = False

    def give_up(self) -> None:
        """Go back to what was before. Raises OSError: then nothing is changed."""
        self._files.write(FILE, self._files.read(BEFORE) or b"{}")
        self.keep()
