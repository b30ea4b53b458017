"""ports.Files on the flash's littlefs, or any file system whose rename replaces."""

import errno
import os


class Files:
    """Small files in the folder `folder`, which is there."""

    def __init__(self, folder):
        self._folder = folder

    def read(self, name: str):
        """The content of file `name` (bytes); None when it was never written."""
        try:
            with open(self._folder + "/" + name, "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def write(self, name: str, data: bytes) -> None:
        """Replace file `name` whole or not at all: littlefs renames in one step."""
        path = self._folder + "/" + name
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.rename(path + ".new", path)
