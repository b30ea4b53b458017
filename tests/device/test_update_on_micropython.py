"""A whole update on the MicroPython interpreter: real files, real signature, and what it takes."""

from homeslot.tree import Tree

from ..firmware.releases import BOARD, NEW, OLD, bundle, key_file

# What a transfer may take of the heap beside its modules, here, where words are twice as long: the
# list of files twice while it is put together, and a piece of the bundle.
TAKES_BYTES = 16000

UPDATE = """
import gc
from homeslot.app.update import Update
from homeslot.folder import Folder
from homeslot.sender import Sender
from homeslot.tree import Tree
from homeslot_boot.boot import Boot

root = {root!r}
with open(root + "/new.bundle", "rb") as file:
    sender = Sender(file.read())
boot = Boot(Folder(root))
boot.begin(True)
update = Update(Tree(root + "/a"), Tree(root + "/b"), boot, {board!r}, "0.1.0")
gc.collect()
free = least = gc.mem_free()
while not sender.done:
    command = sender.arguments()
    sender.answered(update.obey(command))
    gc.collect()
    least = min(least, gc.mem_free())
again = Boot(Folder(root))
again.begin(True)
print(again.side, again.trial, free - least)
"""


def test_an_update_on_micropython_ends_in_a_trial_and_takes_little_memory(micropython, tmp_path):
    files = {**NEW, **{f"homeslot/more/module_{n}.mpy": b"%d" % n * 900 for n in range(60)}}
    (tmp_path / "new.bundle").write_bytes(bundle(files))
    for path, content in {**OLD, "keys.json": key_file("b", "a")}.items():
        Tree(str(tmp_path / "a")).append(path, content)
    said = micropython(UPDATE.format(root=str(tmp_path), board=BOARD), heap="400k").split()
    assert said[:2] == ["b", "True"]
    assert int(said[2]) < TAKES_BYTES
    theirs = Tree(str(tmp_path / "b"))
    assert {path: theirs.read(path) for path in theirs.names()} == {
        **files,
        "keys.json": key_file("b", "a"),
    }
