"""The tables of the SQLite store, as migrations: only ever added to.

`event`, `snapshot` and `clock` are history and append-only: each `record` of them has a number in
the hash chain of service.chain, whose digests `seal` keeps; what is no longer kept of them is in
`dropped`, `base` and `cart_day`. `span` says when carts were heard; `checkpoint` is derived and may
be emptied. Times are epoch seconds unless they say otherwise; a
null `at_s` was measured before the cart knew the time and is placed through `clock`.
"""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from homeslot_hub.service.chain import GENESIS, SEAL_RECORDS, link
from homeslot_hub.service.ports import Head

migrations = Migrations("homeslot")
# Every migration there is, in order.
NAMES = (
    "0001_session",
    "0002_chain",
    "0003_register",
    "0004_alerts",
    "0005_lockdown",
    "0006_keep",
)

_FIRST = (
    """CREATE TABLE event (
        cart TEXT NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, up_ms INTEGER NOT NULL,
        at_s INTEGER, kind TEXT NOT NULL, idx INTEGER NOT NULL, value TEXT NOT NULL,
        was TEXT NOT NULL, current_ma INTEGER,
        PRIMARY KEY (cart, boot, seq)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE snapshot (
        cart TEXT NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, up_ms INTEGER NOT NULL,
        at_s INTEGER, words TEXT NOT NULL,
        PRIMARY KEY (cart, boot, seq, up_ms)
    ) STRICT, WITHOUT ROWID""",
    # Uptime zero of a boot was at offset_s, as its message at up_ms told.
    """CREATE TABLE clock (
        cart TEXT NOT NULL, boot INTEGER NOT NULL, up_ms INTEGER NOT NULL,
        offset_s INTEGER NOT NULL,
        PRIMARY KEY (cart, boot)
    ) STRICT, WITHOUT ROWID""",
    # Heard from from_s to to_s without a long gap. boot 0: epoch s; else seconds of that uptime.
    """CREATE TABLE span (
        cart TEXT NOT NULL, boot INTEGER NOT NULL, from_s INTEGER NOT NULL, to_s INTEGER NOT NULL,
        PRIMARY KEY (cart, boot, from_s)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE checkpoint (
        cart TEXT NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, snap INTEGER NOT NULL,
        up_ms INTEGER NOT NULL, through_s INTEGER NOT NULL, picture BLOB NOT NULL,
        PRIMARY KEY (cart, boot, seq, snap, up_ms)
    ) STRICT""",
    """CREATE TABLE latest (
        cart TEXT NOT NULL, kind TEXT NOT NULL, boot INTEGER NOT NULL, up_ms INTEGER NOT NULL,
        at_s INTEGER, payload BLOB NOT NULL,
        PRIMARY KEY (cart, kind)
    ) STRICT""",
    """CREATE TABLE refused (
        id INTEGER PRIMARY KEY AUTOINCREMENT, arrived_s INTEGER NOT NULL, topic TEXT NOT NULL,
        reason TEXT NOT NULL, payload BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE stranger (
        controller TEXT PRIMARY KEY, first_s INTEGER NOT NULL, last_s INTEGER NOT NULL,
        messages INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE school (name TEXT PRIMARY KEY, opened_s INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    # judged_s is null for a day that passed unseen.
    """CREATE TABLE due (
        school TEXT NOT NULL, day TEXT NOT NULL, rule TEXT NOT NULL, deadline_s INTEGER NOT NULL,
        judged_s INTEGER,
        PRIMARY KEY (school, day, rule)
    ) STRICT, WITHOUT ROWID""",
    # mail: pending, sent, none (no mail configured: the files are all), dead (given up, see error)
    """CREATE TABLE notice (
        id INTEGER PRIMARY KEY AUTOINCREMENT, school TEXT NOT NULL, day TEXT NOT NULL,
        rule TEXT NOT NULL, name TEXT NOT NULL, email TEXT NOT NULL, subject TEXT NOT NULL,
        text TEXT NOT NULL, html TEXT NOT NULL, created_s INTEGER NOT NULL, filed_s INTEGER,
        mail TEXT NOT NULL DEFAULT 'pending' CHECK (mail IN ('pending', 'sent', 'none', 'dead')),
        mailed_s INTEGER, tries INTEGER NOT NULL DEFAULT 0, next_s INTEGER NOT NULL,
        error TEXT NOT NULL DEFAULT '',
        UNIQUE (school, day, rule, email),
        FOREIGN KEY (school, day, rule) REFERENCES due (school, day, rule)
    ) STRICT""",
    "CREATE INDEX notice_open ON notice (id) WHERE filed_s IS NULL OR mail = 'pending'",
)


@migrations(name=NAMES[0])
def _first(db: Database) -> None:
    for statement in _FIRST:
        db.execute(statement)


# What was there before the chain is put into it as it was found, table by table. Of a clock, every
# reading is kept from now on; that of the earliest message counts.
_CHAIN = (
    "CREATE TABLE seal (record INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT",
    "ALTER TABLE event ADD COLUMN record INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE snapshot ADD COLUMN record INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE clock RENAME TO clock_before",
    """CREATE TABLE clock (
        cart TEXT NOT NULL, boot INTEGER NOT NULL, up_ms INTEGER NOT NULL,
        offset_s INTEGER NOT NULL, record INTEGER NOT NULL,
        PRIMARY KEY (cart, boot, up_ms)
    ) STRICT, WITHOUT ROWID""",
    "INSERT INTO clock SELECT *, 0 FROM clock_before",
    "DROP TABLE clock_before",
)
CHAINED = {  # table -> its columns as they go into the chain
    "event": "cart, boot, seq, up_ms, at_s, kind, idx, value, was, current_ma",
    "snapshot": "cart, boot, seq, up_ms, at_s, words",
    "clock": "cart, boot, up_ms, offset_s",
    "dropped": "through, digest, before_s, at_s",
}
_KEYS = {"event": 3, "snapshot": 4, "clock": 3}


@migrations(name=NAMES[1])
def _chain(db: Database) -> None:
    for statement in _CHAIN:
        db.execute(statement)
    head = GENESIS
    for table, count in _KEYS.items():
        columns = CHAINED[table]
        keys = columns.split(", ")[:count]
        where = " AND ".join(f"{key} = ?" for key in keys)
        # Read whole before it is written: a table must not change under a statement that reads it.
        rows = db.execute(f"SELECT {columns} FROM {table} ORDER BY {', '.join(keys)}").fetchall()  # noqa: S608 constant
        for row in rows:
            number = head.records + 1
            db.execute(
                f"UPDATE {table} SET record = ? WHERE {where}",  # noqa: S608 constant
                (number, *row[: len(keys)]),
            )
            head = Head(number, link(head.digest, table, row))
            if number % SEAL_RECORDS == 0:
                db.execute("INSERT INTO seal VALUES (?,?)", head)
    if head.records % SEAL_RECORDS:
        db.execute("INSERT INTO seal VALUES (?,?)", head)


# The register is append-only: each change adds a version of each row it touches. `cells` are a
# row's texts as JSON in the order of its columns, null where it was taken away; `key` its first.
_REGISTER = (
    """CREATE TABLE register_change (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at_s INTEGER NOT NULL, who TEXT NOT NULL,
        what TEXT NOT NULL, source TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE register_row (
        kind TEXT NOT NULL, school TEXT NOT NULL, key TEXT NOT NULL,
        change INTEGER NOT NULL REFERENCES register_change (id), cells TEXT,
        PRIMARY KEY (kind, school, key, change)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX register_row_change ON register_row (change)",
)


@migrations(name="0003_register")
def _register(db: Database) -> None:
    for statement in _REGISTER:
        db.execute(statement)


# An alert's `told` and `closed` are addresses, its `slots`, `hides` and `flips` numbers, as JSON.
# `open` is 0 once it is resolved and everyone who was told of it knows. `alert_change` is its
# history, append-only.
_ALERTS = (
    """CREATE TABLE alert (
        id INTEGER PRIMARY KEY AUTOINCREMENT, school TEXT NOT NULL, day TEXT NOT NULL,
        cart INTEGER NOT NULL, finding TEXT NOT NULL, subject TEXT NOT NULL, rule TEXT NOT NULL,
        slots TEXT NOT NULL, hides TEXT NOT NULL, since_s INTEGER, confidence TEXT NOT NULL,
        reason TEXT NOT NULL, action TEXT NOT NULL, opened_s INTEGER NOT NULL, state TEXT NOT NULL,
        hidden_by TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, until_s INTEGER,
        resolved_s INTEGER, said_day TEXT NOT NULL, correction TEXT NOT NULL, flips TEXT NOT NULL,
        told TEXT NOT NULL, closed TEXT NOT NULL, open INTEGER NOT NULL,
        UNIQUE (school, day, cart, finding, subject)
    ) STRICT""",
    "CREATE INDEX alert_open ON alert (school) WHERE open",
    """CREATE TABLE alert_change (
        id INTEGER PRIMARY KEY AUTOINCREMENT, alert INTEGER NOT NULL REFERENCES alert (id),
        at_s INTEGER NOT NULL, what TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX alert_change_alert ON alert_change (alert)",
    # A channel is sent the notices with an id beyond `after`; a push is what became of one.
    "CREATE TABLE channel (name TEXT PRIMARY KEY, after INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE push (
        notice INTEGER NOT NULL REFERENCES notice (id),
        channel TEXT NOT NULL REFERENCES channel (name),
        state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'dead')), tries INTEGER NOT NULL,
        next_s INTEGER NOT NULL, error TEXT NOT NULL,
        PRIMARY KEY (notice, channel)
    ) STRICT, WITHOUT ROWID""",
    "ALTER TABLE notice ADD COLUMN thread TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE notice ADD COLUMN after_s INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE notice ADD COLUMN expires_s INTEGER NOT NULL DEFAULT 0",
)


@migrations(name="0004_alerts")
def _alerts(db: Database) -> None:
    for statement in _ALERTS:
        db.execute(statement)


# An order to the device management: one lock for each device and evening, one unlock for each lock.
_LOCKDOWN = """CREATE TABLE lockdown (
    id INTEGER PRIMARY KEY AUTOINCREMENT, school TEXT NOT NULL, day TEXT NOT NULL,
    cart INTEGER NOT NULL, slot INTEGER NOT NULL, tag TEXT NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('lock', 'unlock')),
    alert INTEGER NOT NULL REFERENCES alert (id), prepared_s INTEGER NOT NULL, state TEXT NOT NULL,
    who TEXT NOT NULL, why TEXT NOT NULL, confirmed_s INTEGER NOT NULL, tries INTEGER NOT NULL,
    next_s INTEGER NOT NULL, error TEXT NOT NULL,
    UNIQUE (school, day, cart, slot, action)
) STRICT"""


@migrations(name="0005_lockdown")
def _lockdown(db: Database) -> None:
    db.execute(_LOCKDOWN)


# `kept` has one row: all that was measured from since_s on is there; when it was last tidied, and
# what kept that from being done. `dropped` has what was dropped when, each a record of the chain.
# `base` is how a cart was where its history begins now: all up to that place is in `picture`,
# measured up to through_s. `cart_day` is a day whose records were dropped, as rules.usage has it:
# by slot, as `61200x29 1800`.
_KEEP = (
    """CREATE TABLE kept (
        id INTEGER PRIMARY KEY CHECK (id = 1), since_s INTEGER NOT NULL, tidied_s INTEGER NOT NULL,
        stuck TEXT NOT NULL
    ) STRICT""",
    "INSERT INTO kept VALUES (1, 0, 0, '')",
    """CREATE TABLE dropped (
        through INTEGER PRIMARY KEY, digest TEXT NOT NULL, before_s INTEGER NOT NULL,
        at_s INTEGER NOT NULL, record INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE base (
        cart TEXT PRIMARY KEY, boot INTEGER NOT NULL, seq INTEGER NOT NULL, snap INTEGER NOT NULL,
        up_ms INTEGER NOT NULL, through_s INTEGER NOT NULL, picture BLOB NOT NULL
    ) STRICT""",
    """CREATE TABLE cart_day (
        cart TEXT NOT NULL, day TEXT NOT NULL, span_s INTEGER NOT NULL, known_s TEXT NOT NULL,
        out_s TEXT NOT NULL, taken TEXT NOT NULL,
        PRIMARY KEY (cart, day)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX event_untimed ON event (cart, boot) WHERE at_s IS NULL",
    "CREATE INDEX snapshot_untimed ON snapshot (cart, boot) WHERE at_s IS NULL",
)


@migrations(name="0006_keep")
def _keep(db: Database) -> None:
    for statement in _KEEP:
        db.execute(statement)
