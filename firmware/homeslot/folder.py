"""The Files port on a folder: the flash's littlefs, and any file system whose rename replaces.

On littlefs a file that was closed outlives a power cut; elsewhere it outlives the process.
"""

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    Data = bytes | bytearray | memoryview


class Folder:
    """ports.Files in the folder `folder`, which is there."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def names(self) -> "list[str]":
        """The names of all files."""
        return os.listdir(self._folder)

    def read(self, name: str) -> "bytes | None":
        """The content of file `name`; None when there is none."""
        return self._read(name, 0, -1)

    def read_at(self, name: str, at: int, count: int) -> bytes:
        """Up to `count` bytes from byte `at` on; b"" when there is none."""
        return self._read(name, at, count) or b""

    def write(self, name: str, data: "Data") -> None:
        """Replace file `name` whole or not at all: renaming is one step."""
        path = self._path(name)
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)

    def append(self, name: str, data: "Data") -> None:
        """Add to the end of file `name`: the file is closed when this returns."""
        with open(self._path(name), "ab") as file:
            file.write(data)

    def remove(self, name: str) -> None:
        """Delete file `name`; nothing happens when there is none."""
        try:
            os.remove(self._path(name))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def _read(self, name: str, at: int, count: int) -> "bytes | None":
        try:
            with open(self._path(name), "rb") as file:
                file.seek(at)
                return file.read(count)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def _path(self, name: str) -> str:
        return self._folder + "/" + name
