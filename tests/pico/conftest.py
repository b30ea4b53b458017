"""One cold boot of the emulated Pico W for all tests of this folder; each has a copy of it."""

import pytest

from homeslot_hardware import boards, bundles, firmware
from homeslot_hub.adapters.credentials import Credentials
from homeslot_sim.pico import uf2
from homeslot_sim.pico.bench import Bench

from .school import CART, CART_BY_TLS, broker, by_tls

# Scanning is what costs the emulated CPU most; how often it does is no matter of these tests.
SETTINGS = {"scan_ms": 5000, "report_s": 30}


@pytest.fixture(scope="session")
def credentials(tmp_path_factory):
    return Credentials(tmp_path_factory.mktemp("credentials"))


@pytest.fixture(scope="session")
def signer(tmp_path_factory):
    """The file of the private key whose signature the cart trusts."""
    file = tmp_path_factory.mktemp("signer") / "key"
    bundles.make_key(file)
    return file


@pytest.fixture(scope="session")
def bench(signer, tmp_path_factory):
    keys = bundles.key_file([signer.with_name("key.pub")] * 2)
    return Bench(tmp_path_factory.mktemp("bench"), uf2.find(), keys)


@pytest.fixture(scope="session")
def school_by_tls(tmp_path_factory):
    """The CA of the school, and by it a certificate for its broker."""
    return by_tls(tmp_path_factory.mktemp("school"))


@pytest.fixture(scope="session")
def booted_by_tls(bench, credentials, school_by_tls):
    """The cart that was given the school's CA, as it first dials its hub."""
    settings = {"tls": 1, "scan_ms": 60000, "report_s": 240, "diag_s": 60, "keep_alive_s": 600}
    with bench.cart(plan(CART_BY_TLS, credentials, settings, school_by_tls)) as cart:
        yield cart


@pytest.fixture(scope="session")
def booted(bench, credentials, booted_by_tls):
    """The cart as it first dials its hub; the other one boots meanwhile, on a core of its own."""
    with bench.cart(plan(CART, credentials, SETTINGS)) as cart:
        yield cart


def plan(cart, credentials, settings, tls=None):
    """What a cart of the bench is told of itself and its day."""
    return {
        "cart": cart,
        "secret": credentials.add_cart(cart),
        "board": boards.load("pico-w-30"),
        "settings": settings,
        "ca": None if tls is None else tls.ca.read_text(),
        "seed": 7,
        "deeds": [],
    }


@pytest.fixture
def ear(credentials, tmp_path):
    """The broker, and all it was told."""
    with broker(credentials, tmp_path) as ear:
        yield ear


@pytest.fixture
def board(booted):
    """The booted cart, with no hub yet."""
    with booted.board() as board:
        yield board


@pytest.fixture
def online(board, ear):
    """The cart, when its first report has arrived."""
    board.hub(ear.port)
    board.until(lambda: ear.said("state"), 10000, "first report")
    return board


@pytest.fixture
def release(bench, signer, tmp_path):
    """`release(version, **modules)`: the bench's firmware with some modules replaced, signed."""

    def release(version, **modules):
        package = tmp_path / version / "homeslot"
        source = firmware.source() / "homeslot" / "__init__.py"
        now = f'__version__ = "{firmware.version(firmware.source())}"'
        texts = {"__init__": source.read_text().replace(now, f'__version__ = "{version}"')}
        for name, text in {**texts, **modules}.items():
            file = package.joinpath(*name.split(".")).with_suffix(".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        side = {path[2:]: data for path, data in bench.flash.items() if path.startswith("a/")}
        del side[firmware.KEYS]
        side |= firmware.compiled(package.parent, ["homeslot"])
        key = bundles.private_key(signer)
        return bundles.make(side, version, ["pico-w-30"], 1, key)

    return release
