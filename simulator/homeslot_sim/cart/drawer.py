"""The Files port in RAM: what a simulated cart without a folder keeps its files in."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Data = bytes | bytearray | memoryview


class Drawer:
    """The Files port in RAM."""

    def __init__(self) -> None:
        self._files: "dict[str, bytes]" = {}

    def names(self) -> "list[str]":
        """All names."""
        return list(self._files)

    def read(self, name: str) -> "bytes | None":
        """The content of `name`, None when there is none."""
        return self._files.get(name)

    def read_at(self, name: str, at: int, count: int) -> bytes:
        """Part of `name`."""
        return self._files.get(name, b"")[at : at + count]

    def write(self, name: str, data: "Data") -> None:
        """Replace `name`."""
        self._files[name] = bytes(data)

    def append(self, name: str, data: "Data") -> None:
        """Add to `name`."""
        self._files[name] = self._files.get(name, b"") + bytes(data)

    def remove(self, name: str) -> None:
        """Delete `name`."""
        self._files.pop(name, None)
