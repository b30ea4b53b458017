"""ports.Files on the flash's littlefs, or any file system whose rename replaces."""

import errno
import os


class Files:
    """Small files in the folder `folder`, which is there."""

    def __init__(self, folder):
        self._folder = folder

    def names(self):
        """The names of all files (list of str)."""
        return os.listdir(self._folder)

    def read(self, name: str):
        """The content of file `name` (bytes); None when there is none."""
        try:
            return self._read(name, 0, -1)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def read_at(self, name: str, at: int, count: int):
        """Up to `count` bytes from byte `at` on; b"" when there is none."""
        try:
            return self._read(name, at, count)
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return b""

    def write(self, name: str, data) -> None:
        """Replace file `name` whole or not at all: littlefs renames in one step."""
        path = self._path(name)
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)

    def append(self, name: str, data) -> None:
        """Add to the end of file `name`: littlefs makes it last when the file is closed."""
        with open(self._path(name), "ab") as file:
            file.write(data)

    def remove(self, name: str) -> None:
        """Delete file `name`; nothing happens when there is none."""
        try:
            os.remove(self._path(name))
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise

    def _read(self, name: str, at: int, count: int):
        with open(self._path(name), "rb") as file:
            file.seek(at)
            return file.read(count)

    def _path(self, name: str) -> str:
        return self._folder + "/" + name
