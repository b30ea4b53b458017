"""What the docs say of the code is what the code says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from homeslot import contract
from homeslot.core.settings import SETTINGS
from homeslot_hardware.lint import schema

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ASYNCAPI = json.loads((DOCS / "asyncapi.json").read_text())


def _run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )


def test_generated_files_are_what_the_code_generates():
    checked = _run("docs/generate.py", "--check")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_stale_file_is_named_and_an_unknown_argument_explained(tmp_path):
    copy = tmp_path / "docs"
    copy.mkdir()
    for name in ("generate.py", "remarks.py"):
        (copy / name).write_text((DOCS / name).read_text())
    stale = _run(str(copy / "generate.py"), "--check")
    assert stale.returncode == 1
    assert "docs/schemas/event.schema.json is not what the code says" in stale.stdout
    assert _run(str(copy / "generate.py")).returncode == 0
    assert _run(str(copy / "generate.py"), "--check").returncode == 0
    assert _run(str(copy / "generate.py"), "--chek").returncode == 2


def test_tables_in_the_pages_are_what_the_code_says():
    pages = [str(page.relative_to(ROOT)) for page in sorted(DOCS.glob("*.md"))]
    checked = _run("-m", "cogapp", "--check", "-I", "docs", *pages)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_asyncapi_document_is_valid_by_the_official_schema_of_asyncapi_3():
    official = json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())
    found = [f"{e.json_path}: {e.message}" for e in Draft7Validator(official).iter_errors(ASYNCAPI)]
    assert found == []
    broken = ASYNCAPI | {"operations": {"link": {"action": "shout"}}}
    assert not Draft7Validator(official).is_valid(broken)


def test_every_reference_inside_the_asyncapi_document_leads_somewhere():
    references = re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(ASYNCAPI))
    assert references
    for reference in references:
        at = ASYNCAPI
        for name in reference.split("/"):
            at = at[name]


@pytest.mark.parametrize("kind", contract.TOPICS)
def test_every_kind_has_its_channel_operation_message_and_schema_file(kind):
    sender, retained = contract.TOPICS[kind]
    channel, operation = ASYNCAPI["channels"][kind], ASYNCAPI["operations"][kind]
    assert channel["address"] == contract.topic("{cart}", kind)
    assert channel["description"] == ASYNCAPI["components"]["messages"][kind]["summary"] != ""
    assert operation["action"] == ("send" if sender == "cart" else "receive")
    assert operation["bindings"]["mqtt"]["retain"] is retained
    assert operation["bindings"]["mqtt"]["qos"] == 1
    described = json.loads((DOCS / "schemas" / f"{kind}.schema.json").read_text())
    Draft202012Validator.check_schema(described)
    assert described.items() >= ASYNCAPI["components"]["schemas"][kind].items()
    assert list(described["properties"]) == [name for name, _, _ in contract.fields(kind)]


def test_the_schema_of_board_files_is_a_schema_and_describes_every_key():
    Draft202012Validator.check_schema(schema())
    pins = schema()["properties"]["pins"]["properties"]
    assert all("description" in rule for rule in [*schema()["properties"].values(), *pins.values()])


def _remarks(module, *where):
    code = (
        "import json, sys; sys.path.insert(0, 'docs');"
        "from importlib import import_module; from remarks import remarks;"
        "json.dump(remarks(import_module(sys.argv[1]), *sys.argv[2:]), sys.stdout)"
    )
    return _run("-c", code, module, *where)


@pytest.mark.parametrize("kind", contract.MESSAGES)
def test_every_field_of_the_contract_has_its_meaning_beside_it(kind):
    said = json.loads(_remarks("homeslot.contract", "MESSAGES", kind).stdout)
    assert list(said) == [name for name, _, _ in contract.fields(kind)]
    assert all(said.values())


@pytest.mark.parametrize(
    ("module", "table", "names"),
    [
        ("homeslot.contract", "TOPICS", list(contract.TOPICS)),
        ("homeslot.core.settings", "SETTINGS", [row[0] for row in SETTINGS]),
    ],
)
def test_every_topic_and_every_setting_has_its_meaning_beside_it(module, table, names):
    said = json.loads(_remarks(module, table).stdout)
    assert list(said) == names
    assert all(said.values())


def test_an_entry_without_its_meaning_is_named():
    refused = _remarks("homeslot.contract", "NEEDS")
    assert refused.returncode != 0
    assert "no comment says what time is" in refused.stderr
