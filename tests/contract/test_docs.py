"""What the docs say of the code is what the code says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from homeslot import contract
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
    board_schema = tmp_path / "hardware" / "homeslot_hardware" / "boards" / "board.schema.json"
    copy.mkdir()
    board_schema.parent.mkdir(parents=True)
    board_schema.write_text(json.dumps(schema()))
    (copy / "generate.py").write_text((DOCS / "generate.py").read_text())
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
    sender, retained, meaning = contract.TOPICS[kind]
    channel, operation = ASYNCAPI["channels"][kind], ASYNCAPI["operations"][kind]
    assert channel["address"] == contract.topic("{cart}", kind)
    assert channel["description"] == meaning
    assert operation["action"] == ("send" if sender == "cart" else "receive")
    assert operation["bindings"]["mqtt"]["retain"] is retained
    assert operation["bindings"]["mqtt"]["qos"] == 1
    described = json.loads((DOCS / "schemas" / f"{kind}.schema.json").read_text())
    Draft202012Validator.check_schema(described)
    assert described.items() >= ASYNCAPI["components"]["schemas"][kind].items()
    assert list(described["properties"]) == [name for name, _, _, _ in contract.MESSAGES[kind]]


def test_the_schema_of_board_files_is_a_schema_and_describes_every_key():
    Draft202012Validator.check_schema(schema())
    pins = schema()["properties"]["pins"]["properties"]
    assert all("description" in rule for rule in [*schema()["properties"].values(), *pins.values()])
