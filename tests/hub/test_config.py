"""The configuration file: what is taken, and that all that is wrong is said at once."""

from __future__ import annotations

from datetime import date, time
from email import message_from_bytes
from email.policy import SMTP, default
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeslot_hub.adapters.deliver import compose_mail
from homeslot_hub.config import ConfigError, WebSettings, load, parse, read_secret
from homeslot_hub.config_tables import HALF_DAY, IGNORE
from homeslot_hub.config_values import PERSON
from homeslot_hub.model import Cart, Feed, Person, School
from homeslot_hub.service.ports import Notice

LEAST = """
[[school]]
name = "Lincoln"
zone = "America/Chicago"
coordinator = "Rosa Diaz <rosa@x.org>"
"""
CART = """
[[school.cart]]
controller = "c7"
number = 7
room = "12"
teacher = "Ann Lee <ann@x.org>"
"""
WHOLE = """
[hub]
data = "kept"
[broker]
kind = "external"
host = "mqtt.x.org"
port = 8883
user = "homeslot-hub"
password_file = "hub-password"
ca_file = "/etc/ca.pem"
[mail]
host = "smtp.x.org"
port = 465
security = "tls"
user = "hs"
password_file = "mail-password"
sender = "Homeslot <homeslot@x.org>"
[[school]]
name = "Grundschule Süd"
zone = "Europe/Berlin"
deadline = "15:30"
half_day_deadline = "12:15"
days = ["mon", "sat"]
closed = ["2026-12-24", "2026-12-31..2027-01-01"]
half_days = ["2026-12-23"]
coordinator = "Rosa Diaz <rosa@x.org>"
principal = "Pia Roth <pia@x.org>"
it = "Ira Tan <ira@x.org>"
grace_s = 60
silent_after_s = 300
idle_after_s = 600
[[school.calendar]]
source = "webcal://calendar.x.org/private/t0ken/basic.ics?key=t0ken"
closed = ["*ferien"]
half_day = ["Unterricht bis 12"]
ignore = []
[[school.calendar]]
source = "school.ics"
name = "Exam days"
closed = ["*"]
[[school.cart]]
controller = "c7"
number = 7
room = "12"
teacher = "Ann Lee <ann@x.org>"
slots = 16
spare = [15, 16]
lock = "open"
rotates = true
storage = ["02:00:5e:10:00:01"]
deadline = "15:00"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, Path("homeslot.toml"))
    return [str(problem) for problem in caught.value.problems]


def test_every_key_is_read(tmp_path: Path) -> None:
    path = tmp_path / "homeslot.toml"
    path.write_text(WHOLE, "utf-8")
    settings = load(path)
    assert settings.source == path
    assert settings.data == tmp_path / "kept"
    broker, mail = settings.broker, settings.mail
    assert (broker.kind, broker.host, broker.port) == ("external", "mqtt.x.org", 8883)
    assert broker.password_file == tmp_path / "hub-password"
    assert broker.ca_file == Path("/etc/ca.pem")
    assert mail is not None
    assert (mail.host, mail.port, mail.security, mail.user) == ("smtp.x.org", 465, "tls", "hs")
    assert mail.sender == Person("Homeslot", "homeslot@x.org")
    assert settings.schools == (
        School(
            name="Grundschule Süd",
            zone=ZoneInfo("Europe/Berlin"),
            coordinator=Person("Rosa Diaz", "rosa@x.org"),
            carts=(
                Cart(
                    "c7",
                    7,
                    "12",
                    Person("Ann Lee", "ann@x.org"),
                    slots=16,
                    spare=frozenset({15, 16}),
                    lock="open",
                    rotates=True,
                    storage=frozenset({"02:00:5e:10:00:01"}),
                    deadline=time(15, 0),
                ),
            ),
            deadline=time(15, 30),
            days=frozenset({0, 5}),
            grace_s=60,
            silent_after_s=300,
            idle_after_s=600,
            half_day_deadline=time(12, 15),
            closed=frozenset({date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 1)}),
            half_days=frozenset({date(2026, 12, 23)}),
            feeds=(
                Feed(
                    "https://calendar.x.org/private/t0ken/basic.ics?key=t0ken",
                    "https://calendar.x.org/…",
                    ("*ferien",),
                    ("Unterricht bis 12",),
                ),
                Feed(
                    str(tmp_path / "school.ics"),
                    "Exam days",
                    ("*",),
                    tuple(HALF_DAY),
                    tuple(IGNORE),
                ),
            ),
            principal=Person("Pia Roth", "pia@x.org"),
            it=Person("Ira Tan", "ira@x.org"),
        ),
    )


def test_what_is_left_out_is_the_models_own_default() -> None:
    """The table of keys and the model must not drift apart."""
    school = parse(LEAST + CART, Path("homeslot.toml")).schools[0]
    assert school == School(
        name="Lincoln",
        zone=ZoneInfo("America/Chicago"),
        coordinator=Person("Rosa Diaz", "rosa@x.org"),
        carts=(Cart("c7", 7, "12", Person("Ann Lee", "ann@x.org")),),
    )


def test_all_errors_are_said_at_once_each_with_its_key_value_and_what_is_allowed() -> None:
    found = problems(
        """
        [hbu]
        [broker]
        port = 70000
        [[school]]
        name = "A"
        zone = "America/Chicgo"
        coordinator = "rosa"
        deadlin = "17:00"
        days = ["mon", "funday"]
        [[school]]
        name = "A"
        zone = "Europe/Berlin"
        coordinator = "Rosa Diaz <rosa@x.org>"
        grace_s = true
        [[school.cart]]
        controller = "hub"
        number = "7"
        room = "12"
        teacher = "Ann Lee <ann@x.org>"
        spare = [31]
        [[school.cart]]
        controller = "c7"
        number = 1
        """
    )
    assert found == [
        "broker.port is 70000: allowed 0..65535, 0 takes a free one",
        'school[1].zone is "America/Chicgo": allowed a time zone such as America/Chicago, '
        "did you mean America/Chicago?",
        'school[1].days[2] is "funday": allowed a list of mon, tue, wed, thu, fri, sat, sun',
        'school[1].coordinator is "rosa": allowed a person as "Ann Lee <ann@school.example>"',
        "school[1].deadlin is not a key here: did you mean deadline?",
        "school[2].grace_s is True: allowed 0..3600 seconds",
        'school[2].cart[1].controller is "hub": allowed 1..32 of a-z, 0-9 and -, not hub or desk',
        'school[2].cart[1].number is "7": allowed a whole number 1..9999',
        "school[2].cart[2].room is missing: allowed 1..80 printable characters",
        'school[2].cart[2].teacher is missing: allowed a person as "Ann Lee <ann@school.example>"',
        "hbu is not a key here: did you mean hub?",
        'school[2].name is "A": school[1].name is the same; allowed once',
        "school[2].cart[1].spare[1] is 31: allowed 1..30",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "school is missing: allowed at least one [[school]] table"),
        ("school = 3", "school is 3: allowed at least one [[school]] table"),
        ("broker = 3\n" + LEAST, "broker is 3: allowed a table"),
        (
            "[broker]\nkind='external'\nuser=''\n" + LEAST,
            'broker.user is "": allowed 1..80 printable characters',
        ),
        (
            LEAST + CART + CART,
            'school[1].cart[2].controller is "c7": school[1].cart[1].controller is the same; '
            "allowed once",
        ),
        (
            "[broker]\nnats_server='x'\nkind='external'\n" + LEAST,
            'broker.nats_server is not used here: only with kind = "embedded"',
        ),
        (
            "[broker]\nport=0\nkind='external'\n" + LEAST,
            "broker.port is 0: allowed 1..65535 for an external broker",
        ),
        (
            "[broker]\nhost='10.1.2.3'\ntls=false\n" + LEAST,
            "broker.tls is false: allowed only when host is a loopback address",
        ),
        (
            "[broker]\nhost='0.0.0.0'\n" + LEAST,
            "broker.names is empty: allowed what carts call this machine, as host is 0.0.0.0",
        ),
        (
            "[broker]\nhost='10.1.2.3'\nnames=['a b']\n" + LEAST,
            'broker.names[1] is "a b": allowed a list of host names and addresses',
        ),
        (
            "[broker]\nca_file='ca.pem'\nkey_file='key.pem'\n" + LEAST,
            "broker.certificate_file is missing: allowed all of the school's or none",
        ),
        (
            "[broker]\nhost='x'\ncertificate_file='c.pem'\nkey_file='key.pem'\n" + LEAST,
            "broker.ca_file is missing: allowed who signed the certificate",
        ),
        (
            "[broker]\ntls=false\nkind='external'\nca_file='ca.pem'\n" + LEAST,
            "broker.ca_file is not used here: only with tls = true",
        ),
        (
            LEAST + LEAST.replace("Lincoln", "Lincoln!"),
            'school[2].name is "Lincoln!": school[1].name, "Lincoln", would write the same files; '
            "choose another name",
        ),
        (
            LEAST + "deadline='15:00'\nhalf_day_deadline='15:01'",
            'school[1].half_day_deadline is "15:01": allowed up to the school\'s deadline, "15:00"',
        ),
        (
            LEAST + CART + "deadline='17:01'",
            'school[1].cart[1].deadline is "17:01": allowed up to the school\'s deadline, "17:00"',
        ),
        (
            LEAST + CART + "deadline='noon'",
            'school[1].cart[1].deadline is "noon": allowed the school\'s own clock as "17:00", '
            "00:00..23:59, up to the school's deadline",
        ),
        (
            LEAST + "[[school.calendar]]\nsource='a'\n[[school.calendar]]\nsource='a'",
            'school[1].calendar[2].source is "a": school[1].calendar[1].source is the same; '
            "allowed once",
        ),
        (
            "[mail]\nhost='x'\nsender='A B <a@x.org>'\nuser='x'\n" + LEAST,
            "mail.user and password_file stand alone: allowed both or neither",
        ),
    ],
)
def test_what_no_single_value_shows_is_said_too(text: str, problem: str) -> None:
    assert problem in problems(text)


DATES = (
    'allowed a list of dates as "2026-12-24", or "2026-12-28..2027-01-01" for all of them, '
    "400 at most"
)
SOURCES = (
    "allowed the name of a file, or an http://, https:// or webcal:// address without user name "
    "and password"
)
PHRASES = 'allowed a list of words or phrases; "*ferien" is any word that ends so, "*" every entry'


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("closed = ['2026-02-29']", f'closed[1] is "2026-02-29": {DATES}'),
        ("closed = ['24.12.2026']", f'closed[1] is "24.12.2026": {DATES}'),
        ("closed = ['2026-12-24', '20261225']", f'closed[2] is "20261225": {DATES}'),
        ("closed = ['2027-01-02..2027-01-01']", f'closed[1] is "2027-01-02..2027-01-01": {DATES}'),
        ("closed = ['2026-01-01..2028-01-01']", f'closed[1] is "2026-01-01..2028-01-01": {DATES}'),
        ("half_days = [2026-12-24]", f"half_days[1] is datetime.date(2026, 12, 24): {DATES}"),
        ("half_days = '2026-12-24'", f'half_days is "2026-12-24": {DATES}'),
        (
            "half_day_deadline = '1 pm'",
            'half_day_deadline is "1 pm": allowed the school\'s own clock as "17:00", 00:00..23:59',
        ),
        ("calendar = 3", "calendar is 3: allowed [[school.calendar]] tables"),
        ("[[school.calendar]]", f"calendar[1].source is missing: {SOURCES}"),
        *(
            (
                f"[[school.calendar]]\nsource = '{source}'",
                f'calendar[1].source is "{source}": {SOURCES}',
            )
            for source in (
                *("ftp://x.org/a.ics", "https://", "https://ann:pw@x.org/a.ics", "https://x y/a"),
                *("https://x.org:99999/", "https://[x/a", "http://a..b/", "", " a.ics"),
            )
        ),
        *(
            (
                f"[[school.calendar]]\nsource = 'a'\n{key} = ['break', '{phrase}']",
                f'calendar[1].{key}[2] is "{phrase}": {PHRASES}',
            )
            for key in ("closed", "half_day", "ignore")
            for phrase in ("", "!", "no * school")
        ),
        (
            "[[school.calendar]]\nsource = 'a'\nhalfday = []",
            "calendar[1].halfday is not a key here: did you mean half_day?",
        ),
    ],
)
def test_c8_what_is_wrong_about_school_days_is_said(text: str, problem: str) -> None:
    assert f"school[1].{problem}" in problems(LEAST + text)


@pytest.mark.parametrize(
    ("broker", "speaks"),
    [
        ("", False),
        ("host = 'localhost'", False),
        ("host = '::1'", False),
        ("host = 'localhost'\ntls = true", True),
        ("host = '10.1.2.3'", True),
        ("kind = 'external'\nhost = 'mqtt.x.org'", True),
        ("kind = 'external'\nca_file = 'ca.pem'", True),
    ],
)
def test_a_broker_speaks_tls_unless_it_is_on_loopback(broker: str, speaks: bool) -> None:
    assert parse(f"[broker]\n{broker}\n{LEAST}", Path("homeslot.toml")).broker.tls is speaks


def test_two_schools_may_both_have_a_cart_7_but_not_the_same_controller() -> None:
    other = LEAST.replace("Lincoln", "Kennedy") + CART
    assert problems(LEAST + CART + other) == [
        'school[2].cart[1].controller is "c7": school[1].cart[1].controller is the same; '
        "allowed once"
    ]
    both = parse(LEAST + CART + other.replace("c7", "k7"), Path("homeslot.toml"))
    assert [cart.number for school in both.schools for cart in school.carts] == [7, 7]


@pytest.mark.parametrize("name", [r"Lin\ncoln", r"Lincoln\u0000", r"\u2028Lincoln", " Lincoln"])
def test_no_name_can_break_out_of_a_mails_header(name: str) -> None:
    [problem] = problems(LEAST.replace("Lincoln", name))
    assert problem.startswith("school[1].name is ")
    assert problem.isprintable()
    person = f'"Rosa{name} <rosa@x.org>"'
    [problem] = problems(LEAST.replace('"Rosa Diaz <rosa@x.org>"', person.replace(" L", r"\r")))
    assert problem.startswith("school[1].coordinator is ")


@pytest.mark.parametrize(
    "address",
    [
        *("jörg@x.org", "a..b@x.org", ".a@x.org", "a(b@x.org", "a:b@x.org", "a@x..org", "a@-"),
        *("a@x_y", f"{'a' * 65}@x.org", f"a@{'x' * 64}.org", f"a@{'x.' * 95}org"),
    ],
)
def test_an_address_that_no_mail_program_takes_is_refused(address: str) -> None:
    [problem] = problems(LEAST.replace("rosa@x.org", address))
    assert problem.startswith("school[1].coordinator is ")


@given(
    st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" "), max_size=9),
    st.text("aZ9.+'_-(:[\\ü", min_size=1, max_size=9),
    st.text("aZ9.-", min_size=1, max_size=9),
)
def test_every_person_that_is_taken_can_be_written_to(name: str, local: str, domain: str) -> None:
    person = PERSON.fullmatch(f"{name} <{local}@{domain}>")
    if person is None:
        return
    to = Person(*person.groups())
    notice = Notice("Lincoln", "2026-11-20", "C8", to.name, to.email, "s", "t", "h", 0)
    mail = message_from_bytes(compose_mail(notice, to).as_bytes(policy=SMTP), policy=default)
    assert [a.addr_spec for a in mail["To"].addresses] == [to.email]


@pytest.mark.parametrize("host", ["a..b", ".", "-a", "a_b", ":::", "1.2.3.4:5", "a b", "x" * 64])
def test_what_is_no_host_is_refused(host: str) -> None:
    [problem] = problems(f"[broker]\nhost = '{host}'\n{LEAST}")
    assert problem.startswith("broker.host is ")
    assert problem.endswith("allowed a host name or an address")


@pytest.mark.parametrize("host", ["localhost", "mqtt.x.org", "10.0.0.1", "::1", "fe80::1"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert parse(f"[broker]\nhost = '{host}'\n{LEAST}", Path("x")).broker.host == host


def test_a_syntax_error_is_said_with_its_line() -> None:
    assert "at line 3" in problems("\n\nname = \n" + LEAST)[0]


def test_a_file_that_is_not_there_or_not_text_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read.*homeslot init"):
        load(tmp_path / "homeslot.toml")
    (tmp_path / "homeslot.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not text"):
        load(tmp_path / "homeslot.toml")


def test_a_secret_is_read_only_where_nobody_else_may(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s3cret\n")
    for mode in (0o640, 0o604, 0o666):
        path.chmod(mode)
        with pytest.raises(ConfigError, match="chmod 600"):
            read_secret(path)
    path.chmod(0o600)
    assert read_secret(path) == "s3cret"
    path.write_text("\n")
    with pytest.raises(ConfigError, match="holds no secret"):
        read_secret(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_secret(tmp_path / "none")


WEB = """
[web]
url = "https://hub.x.org/slots/"
host = "0.0.0.0"
port = 443
certificate_file = "hub.pem"
key_file = "hub.key"
links_days = 3
"""


def test_the_pages_have_an_address_and_a_place_to_listen(tmp_path: Path) -> None:
    where = tmp_path / "homeslot.toml"
    assert parse(LEAST, where).web is None
    assert parse('[web]\nurl = "http://127.0.0.1:8080"\n' + LEAST, where).web == WebSettings(
        "http://127.0.0.1:8080"
    )
    assert parse(WEB + LEAST, where).web == WebSettings(
        "https://hub.x.org/slots",
        "0.0.0.0",
        443,
        tmp_path / "hub.pem",
        tmp_path / "hub.key",
        3 * 86400,
    )


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("https://hub.x.org/slots/", "http://hub.x.org", "web.url"),
        ("https://hub.x.org/slots/", "hub.x.org", "web.url"),
        ("https://hub.x.org/slots/", "https://a:b@hub.x.org", "web.url"),
        ("https://hub.x.org/slots/", "https://hub.x.org/?a=1", "web.url"),
        ("https://hub.x.org/slots/", "https://hub.x.org:99999", "web.url"),
        ("port = 443", "port = 70000", "web.port"),
        ("links_days = 3", "links_days = 0", "web.links_days"),
        ('key_file = "hub.key"', "", "web.key_file"),
        ('certificate_file = "hub.pem"\nkey_file = "hub.key"', "", "web.host"),
        ("port = 443", "prot = 443", "web.prot"),
    ],
)
def test_pages_that_could_not_be_reached_or_trusted_are_refused(
    old: str, new: str, key: str
) -> None:
    assert old in WEB
    with pytest.raises(ConfigError) as refused:
        parse(WEB.replace(old, new) + LEAST, Path("homeslot.toml"))
    assert [problem.key for problem in refused.value.problems] == [key]
