"""The settings of one cart, kept in a file that is replaced whole or not at all."""

import json

from homeslot.core.settings import BadSetting, problems, settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.core.settings import Values
    from homeslot.ports import Files

FILE = "settings.json"


class Stored:
    """The settings in force: `values`, read from `files` once. A change counts from the next start.

    What is wrong with the file is left out, its default stands in, and `wrong` has a line for it.
    """

    def __init__(self, files: "Files") -> None:
        self._files = files
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

    def change(self, changes: "Values") -> bool:
        """Keep `changes`. True when a start is needed for what is kept to be in force.

        Raises BadSetting, and OSError from the flash: then nothing is changed.
        """
        found = problems(changes)
        if found:
            raise BadSetting("\n".join(found))
        kept = self._changes.copy()
        kept.update(changes)
        if kept != self._changes:
            self._files.write(FILE, json.dumps(kept).encode())
            self._changes = kept
        return settings(kept) != self.values
