"""Where the hub's real things are built over a data folder, for the server and for each command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from homeslot_hub.adapters import certificates
from homeslot_hub.adapters.alerts_sqlite import SqliteAlerts
from homeslot_hub.adapters.calendars import Calendars
from homeslot_hub.adapters.certificates import TlsFiles
from homeslot_hub.adapters.credentials import DESK, Credentials
from homeslot_hub.adapters.deliver import drop_files
from homeslot_hub.adapters.desk import Desk, DeskError
from homeslot_hub.adapters.ingest import Login
from homeslot_hub.adapters.keep_sqlite import SqliteKeep
from homeslot_hub.adapters.orders_sqlite import SqliteOrders
from homeslot_hub.adapters.register_sqlite import SqliteRegister
from homeslot_hub.adapters.store_sqlite import SqliteStore
from homeslot_hub.config import Settings, read_secret
from homeslot_hub.model import Calendar
from homeslot_hub.rules.keep import cuts_s
from homeslot_hub.service.alert_book import AlertDesk
from homeslot_hub.service.alerts import Taken
from homeslot_hub.service.hub import Hub
from homeslot_hub.service.keep import Step, Tidy
from homeslot_hub.service.links import Links

NowS = Callable[[], int]


def open_store(settings: Settings) -> SqliteStore:
    """The hub's database, made when there is none. Raises StoreError."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteStore(settings.database)


def open_hub(settings: Settings, now_s: NowS) -> Hub:
    """A hub over its database, without any network. Raises StoreError."""
    return make_hub(settings, open_store(settings), now_s, known_calendars(settings, now_s))


def make_hub(
    settings: Settings,
    store: SqliteStore,
    now_s: NowS,
    calendars: Mapping[str, Calendar],
    links: Links | None = None,
    on_taken: Callable[[Taken], None] = lambda taken: None,
) -> Hub:
    """A hub over `store`, with the register and the alerts in the same file.

    It knows `calendars`, by the name of the school, and puts `links` into its mails. `on_taken`:
    see Hub.
    """
    hub = Hub(
        settings.schools,
        store,
        now_s,
        register=SqliteRegister(store),
        alerts=SqliteAlerts(store),
        links=links,
        orders=None if settings.mdm is None else SqliteOrders(store),
        on_taken=on_taken,
    )
    hub.know(calendars)
    return hub


def open_calendars(settings: Settings, now_s: NowS) -> Calendars:
    """The calendars of the schools, as far as there are copies in the data folder."""
    return Calendars(settings.data / "calendars", now_s)


def known_calendars(settings: Settings, now_s: NowS) -> dict[str, Calendar]:
    """What is known of the schools' calendars without any network, files that changed included."""
    calendars = open_calendars(settings, now_s)
    for feed in calendars.due(settings.schools, network=False):
        calendars.read(feed)
    return calendars.known(settings.schools)


@contextmanager
def opened_hub(settings: Settings, now_s: NowS) -> Iterator[tuple[Hub, SqliteStore]]:
    """A hub over its database, and that, to be asked and then closed. Raises StoreError."""
    with closing(open_store(settings)) as store:
        yield make_hub(settings, store, now_s, known_calendars(settings, now_s)), store


def tidy(settings: Settings, store: SqliteStore, now_s: NowS) -> Iterator[Step]:
    """Drop what is older than [keep] says, a small transaction for each step that comes out.

    Raises StoreError, and OSError for files that cannot be deleted.
    """
    yield from Tidy(store, SqliteKeep(store), settings.schools, settings.keep, now_s).run()
    cut_s = cuts_s(settings.keep, now_s())["letters_days"]
    if cut_s:
        count = drop_files(settings.data, datetime.fromtimestamp(cut_s, UTC).date())
        if count:
            yield Step("files of notices", count)


def calendared(settings: Settings, known: Mapping[str, Calendar]) -> Settings:
    """The settings with what is `known` of the schools' calendars, by name."""
    schools = (
        replace(school, calendar=known.get(school.name, school.calendar))
        for school in settings.schools
    )
    return replace(settings, schools=tuple(schools))


def open_alerts(settings: Settings) -> tuple[SqliteStore, AlertDesk]:
    """The database, to be closed by the caller, and what a person does with its alerts."""
    store = open_store(settings)
    return store, AlertDesk(store, SqliteAlerts(store))


def open_desk(settings: Settings, cart: str, kinds: Sequence[str]) -> Desk:
    """A connection beside that of the running hub, to the cart with id `cart`. Raises DeskError."""
    if not settings.broker.port:
        raise DeskError("broker.port is 0, any free one: name one to find the broker by")
    tls = certificates.files(settings.data, settings.broker)
    credentials = Credentials(settings.data)
    shown = login(settings, settings.broker.port, credentials, tls)
    if settings.broker.password_file is None:  # else the broker is the school's, and so are names
        shown = replace(shown, user=DESK, secret=read_secret(credentials.desk_secret_file))
    return Desk(shown, cart, kinds)


def login(settings: Settings, port: int, credentials: Credentials, tls: TlsFiles | None) -> Login:
    """How the hub presents itself to the broker, which listens on `port`."""
    broker = settings.broker
    # An address that means "every interface" is where to listen, not where to connect.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(broker.host, broker.host)  # noqa: S104
    return Login(
        host,
        port,
        broker.user,
        read_secret(broker.password_file or credentials.hub_secret_file),
        credentials.hub_client_id,
        None if tls is None else tls.ca,
        certificates.called(broker)[0],
    )
