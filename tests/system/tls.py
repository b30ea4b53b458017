"""A school's CA and its broker's certificates, good and bad, as the product makes them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from homeslot_hub.adapters import certificates
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.config import BrokerSettings

NOW_S = int(time.time())  # TLS is judged by the machine's clock
HERE = BrokerSettings(tls=True)


def good(data: Path) -> TlsFiles:
    """What the product makes for a broker on 127.0.0.1."""
    files = certificates.provide(data, HERE, NOW_S)
    assert files is not None
    return files


def named(data: Path, *names: str) -> TlsFiles:
    """By the same CA, but for a broker that is called `names`."""
    return _issued(data, names, datetime.fromtimestamp(NOW_S, UTC))


def old(data: Path) -> TlsFiles:
    """By the same CA, but ended yesterday."""
    ago = timedelta(days=certificates.SERVER_DAYS + 1)
    return _issued(data, certificates.HERE, datetime.fromtimestamp(NOW_S, UTC) - ago)


def _issued(data: Path, names: tuple[str, ...], now: datetime) -> TlsFiles:
    ca = good(data).ca
    server = data / "other.pem"
    certificates.issue(server, ca, ca.with_name("ca.key"), names, now)
    return TlsFiles(ca, (server, server))
