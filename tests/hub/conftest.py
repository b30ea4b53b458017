"""Hubs on real files that are closed again."""

import contextlib

import pytest

from homeslot_hub.config import MailSettings

from .evening import Evening, local
from .installation import Installation
from .postbox import SENDER, Postbox
from .reports import Clock, open_hub


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def start(tmp_path):
    """Open a hub on the test's file, as often as the test restarts it."""
    with contextlib.ExitStack() as opened:

        def start(clock, *schools, checkpoint_every=200):
            hub, store = open_hub(tmp_path, clock, *schools, checkpoint_every=checkpoint_every)
            opened.callback(store.close)
            return hub, store

        yield start


@pytest.fixture
def installed(tmp_path, capsys):
    """An installation whose command line can be asked."""
    return Installation(tmp_path, capsys)


@pytest.fixture
def postbox():
    with contextlib.closing(Postbox()) as postbox:
        yield postbox


@pytest.fixture
def mail(postbox):
    return MailSettings("127.0.0.1", postbox.port, "none", None, None, SENDER)


@pytest.fixture
def evening(tmp_path):
    with contextlib.closing(Evening(tmp_path)) as evening:
        yield evening


@pytest.fixture
def of_school(tmp_path):
    """An evening of another school."""
    opened = []

    def make(school, day=17):
        opened.append(Evening(tmp_path, school, local(15, day=day)))
        return opened[-1]

    yield make
    for evening in opened:
        evening.close()
