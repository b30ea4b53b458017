"""Every Files port against a plain dict: the drawer, the flash of the tests, a real folder."""

import shutil
import tempfile

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from homeslot.folder import Folder
from homeslot_sim.cart.drawer import Drawer
from homeslot_sim.cart.flash import ERASED, Flash, PowerCut

NAMES = st.sampled_from(("boot", "journal-1", "journal-2"))
DATA = st.binary(max_size=40)


class FilesMachine(RuleBasedStateMachine):
    """Rules of the port; `make` gives the one that is driven."""

    def __init__(self):
        super().__init__()
        self.files = self.make()
        self.model = {}

    @rule(name=NAMES, data=DATA, form=st.sampled_from((bytes, bytearray, memoryview)))
    def write(self, name, data, form):
        self.files.write(name, form(data))
        self.model[name] = data

    @rule(name=NAMES, data=DATA, form=st.sampled_from((bytes, bytearray, memoryview)))
    def append(self, name, data, form):
        self.files.append(name, form(data))
        self.model[name] = self.model.get(name, b"") + data

    @rule(name=NAMES)
    def remove(self, name):
        self.files.remove(name)
        self.model.pop(name, None)

    @rule(name=NAMES, at=st.integers(0, 99), count=st.integers(0, 99))
    def read_at(self, name, at, count):
        assert self.files.read_at(name, at, count) == self.model.get(name, b"")[at : at + count]

    @invariant()
    def holds_what_the_dict_holds(self):
        assert sorted(self.files.names()) == sorted(self.model)
        for name in ("boot", "journal-1", "journal-2"):
            assert self.files.read(name) == self.model.get(name)


@pytest.mark.parametrize("kind", [Drawer, Flash, Folder])
def test_every_kind_of_files_is_a_dict_of_bytes(kind):
    class Machine(FilesMachine):
        def make(self):
            self.folder = tempfile.mkdtemp()
            return Folder(self.folder) if kind is Folder else kind()

        def teardown(self):
            shutil.rmtree(self.folder)

    run_state_machine_as_test(Machine, settings=settings(max_examples=30))


def test_a_folder_says_what_went_wrong_unless_a_file_is_only_not_there(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    files = Folder(str(tmp_path / "file"))
    for call in (
        lambda: files.read("a"),
        lambda: files.read_at("a", 0, 1),
        lambda: files.write("a", b""),
        lambda: files.append("a", b""),
        lambda: files.remove("a"),
        files.names,
    ):
        with pytest.raises(OSError, match="Not a directory"):
            call()


@pytest.mark.parametrize("erased_tail", [False, True])
def test_the_flash_of_the_tests_loses_its_power_where_it_is_told(erased_tail):
    for left in range(20):
        flash = Flash()
        flash.erased_tail = erased_tail
        flash.append("log", b"abc")
        flash.write("boot", b"1")
        flash.bytes_left = left
        with pytest.raises(PowerCut):
            flash.append("log", b"defg")
            flash.write("boot", b"22")
            flash.remove("log")
            flash.append("log", b"0123456789abc")
        flash.power_up()
        if left < 4:
            tail = ERASED * (4 - left) if erased_tail else b""
            assert flash.read("log") == b"abcdefg"[: 3 + left] + tail
        elif left < 8:
            assert flash.read("log") == b"abcdefg"
        assert flash.read("boot") == (b"22" if left >= 7 else b"1")
        if left >= 8:
            assert flash.read("log")[: left - 8] == b"0123456789abc"[: left - 8]


def test_a_full_flash_changes_nothing():
    flash = Flash()
    flash.write("boot", b"1")
    flash.full = True
    for call in (lambda: flash.write("boot", b"2"), lambda: flash.append("boot", b"2")):
        with pytest.raises(OSError, match="no space"):
            call()
    assert flash.read("boot") == b"1"
