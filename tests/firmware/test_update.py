"""Installing a bundle: what it changes, and the many ways in which it changes nothing."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot import bundle as bundles
from homeslot.app.update import Update
from homeslot.bundle import BadBundle
from homeslot.folder import Folder
from homeslot.tree import Tree
from homeslot_boot.boot import Boot
from homeslot_hardware.bundles import make
from homeslot_sim.cart.flash import Flash, PowerCut

from .releases import BOARD, CHUNK, NEW, OLD, Side, bundle, flash, key, key_file, started

GOOD = bundle()


def update_of(files, boot=None, board=BOARD, version="0.1.0"):
    boot = boot or started(files)
    return Update(Side(files, boot.side), Side(files, boot.other), boot, board, version)


def send(update, data, name="x", chunk=CHUNK):
    """Send bundle `data` as it is asked for; (bytes sent, answers)."""
    offset = wants = sent = answers = 0
    while True:
        piece = data[offset : offset + min(wants, chunk)]
        offset, wants = update.take(name, offset, piece)
        sent += len(piece)
        answers += 1
        assert answers < 1000
        if update.done or (wants and offset >= len(data)):
            return sent, answers


def refused(data, files=None, **how):
    """Why a cart refuses `data`; it is as it was: same files on both sides, no trial."""
    files = files or flash()
    boot = started(files)
    before = {name: files.read(name) for name in files.names()}
    with pytest.raises(BadBundle) as told:
        send(update_of(files, boot, **how), data)
    after = {name: files.read(name) for name in files.names()}
    assert {name: after[name] for name in before} == before
    assert not started(files).trial
    return str(told.value), {name for name in after if name not in before}


def test_a_bundle_is_installed_beside_what_runs_and_tried_at_the_next_boot():
    files = flash()
    sent, _ = send(update_of(files), GOOD)
    boot = started(files)
    assert (boot.side, boot.trial) == ("b", True)
    assert Side(files, "b").all() == {**NEW, "keys.json": key_file("a", "b")}
    assert Side(files, "a").all() == {**OLD, "keys.json": key_file("a", "b")}
    boot.confirm()
    assert started(files).side == "b"
    same = len(NEW["homeslot/same.mpy"])
    assert sent == len(GOOD) - same, "what the running side has is not sent"


def test_what_the_other_side_has_from_before_is_not_sent_and_what_it_has_too_many_goes():
    files = flash()
    for path, content in {**NEW, "homeslot/stale.mpy": b"from long ago"}.items():
        files.append("b/" + path, content)
    sent, _ = send(update_of(files), GOOD)
    assert sent == len(GOOD) - sum(map(len, NEW.values()))
    assert Side(files, "b").all() == {**NEW, "keys.json": key_file("a", "b")}


def test_the_next_update_goes_to_the_side_that_the_last_one_left():
    files = flash()
    send(update_of(files), GOOD)
    boot = started(files)
    boot.confirm()
    send(update_of(files, boot, version="0.2.0"), bundle(OLD, "0.3.0"))
    boot = started(files)
    assert (boot.side, boot.trial) == ("a", True)
    assert Side(files, "a").all() == {**OLD, "keys.json": key_file("a", "b")}


def test_a_bundle_signed_with_the_second_key_is_as_good():
    files = flash()
    send(update_of(files), bundle(by="b"))
    assert started(files).trial


def test_a_bundle_brings_new_keys_and_they_are_trusted_with_its_firmware():
    files = flash()
    send(update_of(files), bundle({**NEW, "keys.json": key_file("b", "c")}, by="b"))
    trial = started(files)
    trial.confirm()
    by_old, by_new = (bundle(OLD, "0.3.0", by=name) for name in "ac")
    with pytest.raises(BadBundle, match="not signed by a key"):
        send(update_of(files, trial, version="0.2.0"), by_old)
    send(update_of(files, trial, version="0.2.0"), by_new)
    assert started(files).trial


def test_keys_that_came_with_a_firmware_given_up_are_given_up_with_it():
    files = flash()
    send(update_of(files), bundle({**NEW, "keys.json": key_file("c")}))
    started(files)
    back = started(files)
    assert back.side == "a"
    send(update_of(files, back), GOOD)
    assert started(files).trial


def test_unsigned_foreign_old_and_misdirected_bundles_are_refused_before_anything_is_written():
    foreign = bundle(by="stranger")
    unsigned = GOOD[:6] + bytes(384) + GOOD[390:]
    for data, why in (
        (unsigned, "is not signed by a key this cart trusts"),
        (foreign, "is not signed by a key this cart trusts"),
        (GOOD[:6] + b"\xff" * 384 + GOOD[390:], "is not signed by a key this cart trusts"),
        (GOOD[:400] + b"?" + GOOD[401:], "is not signed by a key this cart trusts"),
        (b"PK\x03\x04" + GOOD[4:], "is not a bundle"),
        (GOOD[:4] + b"\0\0" + GOOD[6:], "has a manifest of 0 bytes"),
        (GOOD[:4] + b"\xff\xff" + GOOD[6:], "has a manifest of 65535 bytes"),
        (bundle(version="0.1.0"), "has 0.1.0, this cart runs 0.1.0 already"),
        (bundle(version="0.0.9"), "has 0.0.9, this cart runs 0.1.0 already"),
        (bundle(boards=["pico-2-w-30"]), "is for pico-2-w-30, this is pico-w-30"),
        (bundle(layout=2), "needs boot layout 2, this is 1"),
    ):
        assert refused(data) == (why, set())


def test_a_cart_whose_keys_are_gone_takes_nothing():
    for content in (b"", b"[]", b"{}", b'["12"]', b'["x"]', b"[7]", b'"abc"', b"\xff"):
        files = flash()
        files.write("a/keys.json", content)
        assert refused(GOOD, files)[0].startswith("cannot be checked")


@pytest.mark.parametrize("offset", range(0, sum(map(len, NEW.values())), 997))
def test_a_bundle_damaged_anywhere_in_its_data_never_runs(offset):
    at = len(GOOD) - sum(map(len, NEW.values())) + offset
    bent = GOOD[:at] + bytes([GOOD[at] ^ 1]) + GOOD[at + 1 :]
    files = flash()
    try:
        send(update_of(files), bent)
    except BadBundle as error:
        assert str(error).startswith("is damaged at homeslot/")
        assert not started(files).trial
    else:  # in a file that was not sent, because the cart has it
        assert Side(files, "b").all() == {**NEW, "keys.json": key_file("a", "b")}


@pytest.mark.parametrize("length", [*range(0, 400, 13), *range(400, len(GOOD), 211)])
def test_a_bundle_torn_anywhere_never_runs(length):
    files = flash()
    update = update_of(files)
    send(update, GOOD[:length])
    assert update.done == (length >= len(GOOD) - len(NEW["homeslot/same.mpy"]))  # it has that one
    assert started(files).trial == update.done


def signed(text, data=b""):
    """A bundle with any manifest, signed as it should be."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    signature = key("a").sign(text, padding.PKCS1v15(), hashes.SHA256())
    return bundles.MAGIC + len(text).to_bytes(2, "big") + signature + text + data


def manifest(files=(), **changes):
    head = {"version": "0.2.0", "boards": [BOARD], "boot": 1, "data": 4, **changes}
    return "\n".join(json.dumps(line, separators=(",", ":")) for line in (head, *files)).encode()


DIGEST = hashlib.sha256(b"four").hexdigest()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{", "the manifest is not JSON"),
        (b"[" * 6000, "the manifest is not JSON"),
        (b"\xff", "the manifest is not JSON"),
        (b"[]", "the manifest lacks version, boards, boot or data"),
        (manifest(version="1.2"), "has a version that is not like 1.2.3"),
        (manifest(version="1.2.²"), "has a version that is not like 1.2.3"),
        (manifest(version="1.2.-3"), "has a version that is not like 1.2.3"),
        (manifest(version=7), "has a version that is not like 1.2.3"),
        (manifest(data=0), "the manifest's boards, boot or data cannot be"),
        (manifest(data=1 << 40), "the manifest's boards, boot or data cannot be"),
        (manifest(boot="1"), "the manifest's boards, boot or data cannot be"),
        (manifest(boards="pico-w-30"), "the manifest's boards, boot or data cannot be"),
        (manifest(), "the manifest's files are 4 bytes short"),
        (manifest([["x.mpy", 4]]), "the manifest has a line that is not [path, size, sha256]"),
        (manifest([["../boot.json", 4, DIGEST]]), "the manifest names a file '../boot.json'"),
        (manifest([["/main.py", 4, DIGEST]]), "the manifest names a file '/main.py'"),
        (manifest([["x/./y", 4, DIGEST]]), "the manifest names a file 'x/./y'"),
        (manifest([["x", 4, "12"]]), "the manifest names a file 'x'"),
        (manifest([["x", 0, DIGEST]]), "the manifest gives x a size of 0"),
        (manifest([["x", True, DIGEST]]), "the manifest gives x a size of True"),
        (manifest([["x", 5, DIGEST]]), "the manifest gives x a size of 5"),
        (manifest([["x", 3, DIGEST]]), "is damaged at x"),
    ],
)
def test_even_a_trusted_signer_cannot_sign_nonsense(text, why):
    assert refused(signed(text, b"fourfour"))[0] == why


def test_the_bundler_makes_the_same_bytes_of_the_same_input():
    assert bundle() == GOOD
    assert bundle(dict(reversed(NEW.items()))) == GOOD


def test_the_bundler_refuses_what_no_cart_would_take():
    for files, version in (({}, "0.2.0"), (NEW, "2"), ({"Ä": b"1"}, "0.2.0")):
        with pytest.raises(BadBundle):
            make(files, version, [BOARD], 1, key("a"))
    with pytest.raises(BadBundle, match="allowed 12288 and 400000"):
        make({"x": bytes(400001)}, "0.2.0", [BOARD], 1, key("a"))


def test_pieces_that_are_lost_come_twice_or_in_disorder_do_no_harm():
    files = flash()
    update = update_of(files)
    offset = wants = 0
    while not update.done:
        piece = GOOD[offset : offset + min(wants, 700)]
        update.take("x", offset + 1, piece)  # not what was asked for
        before = offset
        offset, wants = update.take("x", offset, piece)
        if piece:
            assert update.take("x", before, piece) == (offset, wants)  # its answer was lost
    assert update.take("x", 0, b"") == (offset, 0) == (len(GOOD), 0)
    assert Side(files, "b").all() == {**NEW, "keys.json": key_file("a", "b")}


def test_a_transfer_that_broke_off_goes_on_where_it_was_and_another_bundle_begins_anew():
    files = flash()
    half = update_of(files)
    offset = wants = 0
    for _ in range(5):
        offset, wants = half.take("x", offset, GOOD[offset : offset + min(wants, CHUNK)])
    assert half.take("x", 0, b"")[0] == offset > 390, "it knows where it was"
    other = bundle(OLD, "0.3.0")
    assert half.take("y", 0, b"") == (0, 390)
    send(half, other, "y")
    assert started(files).trial
    assert Side(files, "b").all() == {**OLD, "keys.json": key_file("a", "b")}


def test_while_one_is_on_trial_or_waits_for_it_no_other_comes():
    files = flash()
    update = update_of(files)
    send(update, GOOD)
    with pytest.raises(BadBundle, match="about to try another"):
        update.take("y", 0, b"")
    trial = started(files)
    with pytest.raises(BadBundle, match=r"comes while 0\.2\.0 is on trial"):
        update_of(files, trial, version="0.2.0").take("y", 0, b"")


def test_a_flash_that_is_full_ends_the_transfer_and_changes_nothing():
    files = flash()
    update = update_of(files)
    files.full = True
    with pytest.raises(OSError, match="no space"):
        send(update, GOOD)
    files.full = False
    assert not started(files).trial
    send(update, GOOD)
    assert started(files).trial


class Counted(Flash):
    """A flash that remembers after how many bytes each of its writes ended."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def _program(self, count):
        super()._program(count)
        self.ends.append(self.programmed)


@pytest.mark.parametrize("erased_tail", [False, True])
def test_a_power_cut_at_any_write_of_an_update_leaves_a_side_that_runs_and_is_whole(erased_tail):
    """Before, within and after each; then the cart goes on, and the next transfer succeeds."""
    counted = Counted()
    files = flash(into=counted)
    update = update_of(files)
    began = counted.programmed
    send(update, GOOD)
    ends = [end - began for end in counted.ends if end >= began]
    moments = {at + d for at in ends for d in (-1, 0, 1)} | set(range(0, ends[-1], 97))
    for bytes_left in sorted(at for at in moments if 0 <= at < ends[-1]):
        files = flash()
        boot = started(files)
        update = update_of(files, boot)
        files.bytes_left, files.erased_tail = bytes_left, erased_tail
        with pytest.raises(PowerCut):
            send(update, GOOD)
        files.power_up()
        boot = started(files)
        runs = Side(files, boot.side).all()
        assert runs == {**(NEW if boot.trial else OLD), "keys.json": key_file("a", "b")}
        if not boot.trial:
            send(update_of(files, boot), GOOD)
            boot = started(files)
            assert boot.trial
            assert Side(files, "b").all() == {**NEW, "keys.json": key_file("a", "b")}


@given(st.lists(st.binary(max_size=600), max_size=8), st.integers(0, len(GOOD)))
def test_whatever_is_sent_ends_in_a_refusal_or_a_wish_and_never_in_a_trial(pieces, good):
    files = flash()
    update = update_of(files)
    offset = 0
    try:
        while offset < good and not update.done:
            offset, wants = update.take("x", offset, GOOD[offset : min(good, offset + 1500)])
            if not wants and offset >= good:
                break
        for piece in pieces:
            offset, _ = update.take("x", offset, piece)
    except BadBundle:
        pass
    assert update.done == started(files).trial
    assert not update.done or Side(files, "b").all() == {**NEW, "keys.json": key_file("a", "b")}


def test_on_a_real_folder_it_is_the_same(tmp_path):
    for path, content in {**OLD, "keys.json": key_file("a")}.items():
        Tree(str(tmp_path / "a")).append(path, content)
    boot = Boot(Folder(str(tmp_path)))
    boot.begin(True)
    ours, theirs = (Tree(str(tmp_path / side)) for side in (boot.side, boot.other))
    assert theirs.names() == []
    send(Update(ours, theirs, boot, BOARD, "0.1.0"), GOOD)
    assert {path: theirs.read(path) for path in theirs.names()} == {
        **NEW,
        "keys.json": key_file("a"),
    }
    again = Boot(Folder(str(tmp_path)))
    again.begin(True)
    assert again.trial
