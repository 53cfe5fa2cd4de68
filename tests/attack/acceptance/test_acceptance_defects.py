# SPDX-License-Identifier: Apache-2.0
"""Files of acceptance cases with one defect each, named for it. None is taken; each refusal names file and defect."""

from pathlib import Path

import pytest

from freehold.admin.acceptance import read_suites
from freehold.admin.founding import found
from freehold.contract.estate import Estate
from freehold.errors import SettingsError
from freehold.settings import Settings, read_settings

ASSETS = sorted((Path(__file__).parent / "assets").glob("*.yaml"))
SAID = {
    "asks-nothing": "line 2: a case has either 'prompt' or 'messages'",
    "assistant-last": "line 2: the last message is the user's",
    "bomb-of-aliases": "line 1: anchors and aliases are not allowed",
    "check-empty": "line 5: this is text, and not empty",
    "check-is-text": "line 5: this is a mapping with contains",
    "check-of-two": "line 5: a check is one of contains",
    "check-unknown": "line 5: unknown key 'similar_to'",
    "checks-missing": "line 2: lacks 'checks'",
    "checks-nothing": "line 2: 'checks' is a list of at least one",
    "control-character": "has characters that YAML does not allow",
    "empty": "line 1: lacks 'cases'",
    "id-is-a-path": "line 2: an id is of a-z",
    "id-twice": "line 3: the id 'a' is given twice",
    "key-misspelt": "line 2: unknown key 'promt'",
    "key-twice": "line 2: 'id' is given twice",
    "language-unknown": "line 5: 'language' is an ISO 639-1 code",
    "length-empty": "line 5: 'length' has at least one of",
    "length-upside-down": "line 5: min_words is more than max_words",
    "nested-too-deep": "line 1: nested deeper than 24",
    "no-cases": "line 1: 'cases' is a list of at least one",
    "not-utf8": "cannot be read as UTF-8 text",
    "not-yaml": "line 2: this is not YAML",
    "object-of-python": "line 1: tags ('!') are not allowed",
    "passes-anything": "an empty answer passes 1 of 1 cases (a)",
    "passes-by-a-schema-of-nothing": "the one answer 'true' passes 1 of 1 cases",
    "passes-by-length": "the one answer 'Yes' passes 1 of 1 cases",
    "passes-by-listing-all": "the one answer 'Paris Berlin' passes 2 of 2 cases (a, b)",
    "passes-by-refusing": "can't help with that.\" passes 1 of 1 cases",
    "passes-empty": "an empty answer passes 1 of 1 cases",
    "prompt-and-messages": "line 2: a case has either 'prompt' or 'messages'",
    "refusal-perhaps": "line 5: 'refusal' is true or false",
    "refusal-quoted": "line 5: 'refusal' is true or false",
    "regex-open": "line 5: is not a regular expression",
    "regex-too-large": "line 5: is not a regular expression",
    "regex-with-back-reference": "line 5: is not a regular expression",
    "regex-with-lookahead": "line 5: is not a regular expression",
    "role-unknown": "line 2: 'role' is user or assistant",
    "schema-elsewhere": "line 5: is not a JSON Schema",
    "schema-invalid": "line 5: is not a JSON Schema: type",
    "schema-is-a-list": "line 5: a JSON Schema is a mapping",
    "schema-of-a-file": "line 5: is not a JSON Schema",
    "temperature-is-a-word": "line 1: 'temperature' is a number",
    "tokens-below-nothing": "line 2: this is a whole number from 1",
    "tokens-no-whole-number": "line 2: this is a whole number from 1",
    "too-many-cases": "line 2: 'cases' has more than 200",
    "tool-unknown": "line 5: the case has no tool 'weather'",
    "two-documents": "line 2: a file is one document",
}


def settings_with(estate: Estate, acceptance: str) -> Settings:
    found(estate)
    text = estate.settings.read_text(encoding="utf-8")
    given = text.replace("\n[service.default]\n", f"\n[service.default]\nacceptance = '{acceptance}'\n")
    estate.settings.write_text(given, encoding="utf-8")
    return read_settings(estate.settings)


def refusal_of(content: bytes, directory: Path) -> str:
    estate = Estate(directory / "estate")
    settings = settings_with(estate, "acceptance/cases.yaml")
    (estate.directory / "acceptance").mkdir()
    file = estate.directory / "acceptance" / "cases.yaml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        read_suites(estate, settings)
    assert refused.value.message.startswith(str(file))
    assert refused.value.advice
    return refused.value.message.removeprefix(str(file))


@pytest.mark.parametrize("asset", ASSETS, ids=lambda path: path.stem)
def test_defective_cases_are_refused_with_their_file_and_defect(asset: Path, tmp_path: Path) -> None:
    assert SAID[asset.stem] in refusal_of(asset.read_bytes(), tmp_path)


@pytest.mark.parametrize("content", [b"#" * (2**20 + 1), b"\n" * (2**22 + 1)], ids=["characters", "bytes"])
def test_a_file_that_is_too_large_is_not_read_to_its_end(content: bytes, tmp_path: Path) -> None:
    assert "than" in refusal_of(content, tmp_path)


@pytest.mark.parametrize("path", ["/etc/hostname", "../cases.yaml", "a/../../b.yaml", "acceptance", "none.yaml"])
def test_a_path_that_is_no_file_of_the_estate_is_blamed_on_its_line(path: str, tmp_path: Path) -> None:
    estate = Estate(tmp_path / "estate")
    settings = settings_with(estate, path)
    (estate.directory / "acceptance").mkdir()
    with pytest.raises(SettingsError, match=r"freehold\.toml, line \d+: \[service\.default\] acceptance: "):
        read_suites(estate, settings)
