"""The Files port on a folder with folders in it: names have slashes, and folders come as needed."""

import errno
import os

from homeslot.folder import Folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from homeslot.folder import Data

_FOLDER = 0x4000  # bit of the mode, for os.stat on both interpreters


class Tree(Folder):
    """ports.Files in the folder `folder`, which need not be there."""

    def names(self) -> "list[str]":
        """The names of all files, those in folders too."""
        found: "list[str]" = []
        waiting = [""]
        while waiting:
            inside = waiting.pop()
            for name in self._listed(inside):
                if os.stat(self._path(inside + name))[0] & _FOLDER:
                    waiting.append(inside + name + "/")
                else:
                    found.append(inside + name)
        return found

    def append(self, name: str, data: "Data") -> None:
        """Add to the end of file `name`, in its folder."""
        try:
            super().append(name, data)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            self._make_folders(self._path(name))
            super().append(name, data)

    def _listed(self, inside: str) -> "list[str]":
        try:
            return os.listdir(self._path(inside).rstrip("/"))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return []

    def _make_folders(self, path: str) -> None:
        at = path.find("/", 1)
        while at > 0:
            try:
                os.mkdir(path[:at])
            except OSError as error:
                if error.errno != errno.EEXIST:
                    raise
            at = path.find("/", at + 1)
