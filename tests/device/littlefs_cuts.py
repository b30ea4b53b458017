"""The journal and the number of the boot on a real littlefs whose power is cut.

Byte by byte: of all that one life programs, no byte, one byte, two bytes, … come before the power
goes. Says how many cuts there were, and the most records that one of them took.
"""

import sys

import vfs

from homeslot.folder import Folder
from homeslot.journal import RECORD_BYTES, Journal, pack_into

BLOCK, BLOCKS, PROGRAM = 512, 48, 16
EIO = -5
SIZES = (1, 3, 2, 14, 16, 13, 2, 4)  # of the batches: over one segment's end


class Chip:
    """Flash in RAM, with the extended block interface. Without power nothing answers."""

    def __init__(self, cells):
        self.cells = cells
        self.bytes_left = None
        self.programmed = 0
        self.dead = False

    def readblocks(self, block, into, at=0):
        if self.dead:
            return EIO
        at += block * BLOCK
        into[:] = self.cells[at : at + len(into)]
        return 0

    def writeblocks(self, block, data, at=0):
        if self.dead:
            return EIO
        count = len(data)
        if self.bytes_left is not None and self.bytes_left < count:
            count, self.dead = self.bytes_left, True
        at += block * BLOCK
        self.cells[at : at + count] = memoryview(data)[:count]
        self.programmed += count
        if self.bytes_left is not None:
            self.bytes_left -= count
        return EIO if self.dead else 0

    def ioctl(self, op, block):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        if self.dead:
            return EIO
        if op == 6:
            self.cells[block * BLOCK : (block + 1) * BLOCK] = b"\xff" * BLOCK
        return 0


def mounted(cells, bytes_left=None):
    """A chip with power on these cells, in the place of the one before."""
    chip = Chip(cells)
    chip.bytes_left = bytes_left
    vfs.mount(vfs.VfsLfs2(chip, progsize=PROGRAM, lookahead=16), "/flash")
    return chip


def event(seq):
    return {
        "v": 1, "boot": seq // 1000000, "up_ms": seq % 1000, "at_s": None, "seq": seq,
        "kind": "door", "value": "open", "was": "closed",
    }  # fmt: skip


def batch(first, count):
    data = bytearray(count * RECORD_BYTES)
    for i in range(count):
        pack_into(data, i * RECORD_BYTES, event(first + i))
    return data


def start(files):
    """As the cart does it: (journal, number of this boot)."""
    journal = Journal(files)
    boot = max(int(files.read("boot") or b"0"), journal.last_boot) + 1
    files.write("boot", b"%d" % boot)
    return journal, boot


def life(chip):
    """One boot until the power goes: (its number or 0, records surely kept, being written)."""
    boot = kept = writing = 0
    try:
        journal, boot = start(Folder("/flash"))
        for writing in SIZES:
            journal.append(batch(boot * 1000000 + 1 + kept, writing))
            kept += writing
        writing = 0
    except OSError:
        assert chip.dead
    return boot, kept, writing


def drained(journal):
    seqs = []
    while True:
        events = journal.oldest(8)
        if not events:
            return seqs
        for body in events:
            assert body == event(body["seq"])
            seqs.append(body["seq"])
            journal.leave(body["seq"])


cells = bytearray(BLOCK * BLOCKS)
vfs.VfsLfs2.mkfs(Chip(cells), progsize=PROGRAM, lookahead=16)
new = bytes(cells)
most = cuts = worst = 0
left = None
while left is None or left < most:
    cells[:] = new
    chip = mounted(cells, left)
    boot, kept, writing = life(chip)
    vfs.umount("/flash")
    if left is None:
        most, left = chip.programmed, 0
        assert (boot, kept, writing) == (1, sum(SIZES), 0)
        continue
    mounted(cells)
    journal, again = start(Folder("/flash"))
    found = len(journal)
    assert kept <= found <= kept + writing, (left, kept, found)
    assert journal.damaged == 0
    assert again > boot or kept == found == 0, (left, boot, again)
    journal.append(batch(again * 1000000 + 1, 3))
    vfs.umount("/flash")
    mounted(cells)
    journal, third = start(Folder("/flash"))
    assert third == again + 1
    expected = list(range(boot * 1000000 + 1, boot * 1000000 + 1 + found)) if found else []
    assert drained(journal) == expected + [again * 1000000 + n for n in (1, 2, 3)]
    assert [name for name in Folder("/flash").names() if name.startswith("journal")] == []
    vfs.umount("/flash")
    cuts += 1
    worst = max(worst, kept + writing - found)
    left += 1
sys.stdout.write(f"{cuts} {worst}\n")
