"""Hubs on real files that are closed again."""

import contextlib

import pytest

from .installation import Installation
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
