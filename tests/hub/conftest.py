"""Hubs on real files that are closed again."""

import contextlib

import pytest

from homeslot_hub.config import MailSettings

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
