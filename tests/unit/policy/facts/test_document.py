# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.errors import SettingsError
from freehold.policy.facts.document import read_document


def test_every_scalar_is_the_text_that_stands_there() -> None:
    read = read_document("a: NO\nb: [on, 1.0, 2026-01-01, ~]\nc: {d: '', e: 0x10}\n", "f.yaml")
    assert read == {"a": "NO", "b": ["on", "1.0", "2026-01-01", "~"], "c": {"d": "", "e": "0x10"}}


def test_an_empty_file_says_nothing() -> None:
    assert read_document("# to be filled in\n", "f.yaml") == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", r"f\.yaml, line 2: 'a' is given twice"),
        ("a: &x 1\nb: *x", "line 1: anchors and aliases"),
        ("a: !!python/name:os.system x", "line 1: tags"),
        ("---\na: 1\n---\nb: 2", "line 3: a file is one document"),
        ("a: [1", "this is not YAML"),
        ("- 1", "not a mapping of tables"),
        ("? [a]\n: 1", "a name is plain text"),
        ("a: " + "[" * 5000, "nested deeper than 12"),
        ("a: \x00", "characters that YAML does not allow"),
        ("a" * (2**20 + 1), "longer than"),
    ],
    ids=["twice", "alias", "tag", "documents", "torn", "a-list", "odd-name", "deep", "nul", "long"],
)
def test_what_is_more_than_plain_mappings_is_refused(text: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=problem):
        read_document(text, "f.yaml")
