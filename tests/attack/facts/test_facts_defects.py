# SPDX-License-Identifier: Apache-2.0
"""Files of facts with one defect each, named for it. None is loaded, and each refusal names file, entry and defect."""

from pathlib import Path

import pytest

from freehold.errors import SettingsError
from freehold.policy.facts import load_register

ASSETS = sorted((Path(__file__).parent / "assets").glob("*.yaml"))
SAID = {
    "alias-of-yaml": "anchors and aliases are not allowed",
    "base-url-elsewhere": "providers.paris: base_url: lies at none of its hosts",
    "base-url-with-credentials": "providers.paris: base_url: is not http:// or https:// with host and path",
    "confidence-invented": "providers.paris: confidence: Invalid enum value 'certain'",
    "confidence-missing": "providers.paris: lacks 'confidence'",
    "day-in-another-order": "providers.paris: as_of: is not a day such as 2026-11-22",
    "day-missing": "providers.paris: lacks 'as_of'",
    "day-that-is-none": "providers.paris: as_of: is not a day such as 2026-11-22",
    "entry-is-text": "providers.paris: Expected 'object', got 'str'",
    "half-an-entry-over-a-whole-one": "providers.mistral: lacks 'name'",
    "host-is-no-address": "providers.paris: hosts[0].host: is not a host name",
    "host-with-a-scheme": "providers.paris: hosts[0].host: is not a host name",
    "host-with-a-star": "providers.paris: hosts[0].host: is not a host name",
    "key-unknown": "providers.paris: unknown key 'authorities'",
    "licence-leads-nowhere": "providers.paris: licences: there is no licence 'none-such'",
    "link-ends-before-it-begins": "organisations.paris: owners.listed[0]: ends before it takes effect",
    "name-is-a-path": "providers.../paris: is not a name that this table takes",
    "name-is-the-estate-itself": "providers.self: 'self' means the estate",
    "name-twice": "line 3: 'paris' is given twice",
    "not-yaml": "this is not YAML",
    "object-of-python": "tags ('!') are not allowed",
    "operator-leads-nowhere": "providers.paris: operator: there is no organisation 'nobody'",
    "owner-leads-nowhere": "organisations.paris: owners.listed[0]: there is no organisation 'nobody'",
    "owners-in-a-circle": "a circle of owners: ",
    "owners-in-a-circle-with-the-release": "a circle of owners: ",
    "owns-itself": "a circle of owners: paris is owned by paris",
    "retention-below-nothing": "providers.paris: retention.days: ",
    "share-over-the-whole": "organisations.paris: owners.listed[0].share: is not a share such as 11%",
    "share-without-unit": "organisations.paris: owners.listed[0].share: is not a share such as 11%",
    "source-abbreviated-and-not-spelt-out": "providers.paris: 'LIST' is no source",
    "source-blank": "providers.paris: '  ' is no source",
    "source-empty": "providers.paris: source: ",
    "source-missing": "providers.paris: lacks 'source'",
    "source-missing-in-a-link": "organisations.paris: owners.listed[0]: lacks 'source'",
    "state-in-full": "organisations.paris: seat: is not a state of ISO 3166-1",
    "state-in-small-letters": "organisations.paris: seat: is not a state of ISO 3166-1",
    "state-that-is-none": "organisations.paris: 'UK' is not a state",
    "table-is-a-list": "'providers' is a mapping of entries",
    "table-unknown": "unknown table 'vendors'",
}


@pytest.mark.parametrize("asset", ASSETS, ids=lambda path: path.stem)
def test_defective_facts_are_refused_with_their_file_and_entry(asset: Path, tmp_path: Path) -> None:
    (tmp_path / asset.name).write_bytes(asset.read_bytes())
    with pytest.raises(SettingsError) as refused:
        load_register(tmp_path)
    assert SAID[asset.stem] in refused.value.message
    assert str(tmp_path) in refused.value.message
    assert "docs/reference/facts.md" in refused.value.advice


def test_every_defect_has_its_file() -> None:
    assert {path.stem for path in ASSETS} == set(SAID)
