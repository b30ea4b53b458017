"""Every rule of this stage is named by a test that proves it."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("rule", ["c1", "c2", "c3", "c4", "c6", "c7", "c8", "c13"])
def test_the_rule_has_a_test_of_its_name(rule):
    texts = (file.read_text(encoding="utf-8") for file in TESTS.rglob("test_*.py"))
    assert any(re.search(rf"def test_{rule}_\w+", text) for text in texts)
