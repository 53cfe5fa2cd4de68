# SPDX-License-Identifier: Apache-2.0
"""Documents that lead to code or cannot be read are refused; licences that do not pass are held, each by its name."""

import pytest
from tests.attack.vault.fuzz import look
from tests.attack.vault.make_models import DOCUMENTS, LICENCES, documents, licences

REFUSED = {
    "auto-map": "'auto_map' makes a loader run Python",
    "auto-map-deep": "'auto_map' makes a loader run Python",
    "auto-map-of-the-tokenizer": "'auto_map' makes a loader run Python",
    "trust-remote-code": "'trust_remote_code' makes a loader run Python",
    "custom-generate": "'custom_generate' makes a loader run Python",
    "custom-pipelines": "'custom_pipelines' makes a loader run Python",
    "target-of-hydra": "'_target_' makes a loader run Python",
    "module-of-its-own": "'custom_st.Transformer' makes a loader import",
    "module-not-a-name": "makes a loader import",
    "name-twice": "the name 'auto_map' is there twice",
    "not-json": "line 1: this is not JSON",
    "not-utf8": "its name says that it is text",
    "half-a-character": "holds half a character",
    "nested-deep": "nested deeper than 32",
    "not-a-number": "holds NaN",
    "number-without-end": "a number that no reader keeps",
    "index-without-a-map": "has no weight_map",
    "index-of-a-file-elsewhere": "names the file '../other.safetensors', which is not there",
    "index-of-a-file-that-is-no-text": "which is not there",
}
HELD = {
    "apache-with-a-clause-more": "licence.differs",
    "apache-with-a-word-less": "licence.differs",
    "apache-with-a-clause-for-an-owner": "licence.differs",
    "mit-with-a-condition-more": "licence.differs",
    "mit-without-its-condition": "licence.differs",
    "remote": "licence.remote",
    "remote-otherwise-said": "licence.remote",
    "region": "licence.region",
    "region-by-seat": "licence.region",
    "users": "licence.cap",
    "revenue": "licence.cap",
    "no-commerce": "licence.limit",
    "newest-version": "licence.update",
    "nothing-known": "licence.custom",
    "page-of-a-site": "licence.remote",
}


def test_every_defect_has_its_file() -> None:
    assert {path.stem for path in DOCUMENTS.iterdir()} == set(REFUSED) == set(documents())
    assert {path.stem for path in LICENCES.iterdir()} == {"mit", *HELD} == set(licences())


@pytest.mark.parametrize("defect", sorted(REFUSED))
def test_a_document_is_refused_for_its_defect(defect: str) -> None:
    name, _ = documents()[defect]
    refused = look(name, (DOCUMENTS / f"{defect}.json").read_bytes()).refused
    assert [finding for finding in refused if REFUSED[defect] in finding.message]


@pytest.mark.parametrize("defect", sorted(HELD))
def test_a_licence_is_held_for_what_it_says(defect: str) -> None:
    inspection = look("LICENSE", (LICENCES / f"{defect}.txt").read_bytes())
    assert HELD[defect] in {finding.rule for finding in inspection.to_approve}
    assert inspection.wants_reason
    assert not inspection.refused


@pytest.mark.parametrize("name", ["LICENSE", "LICENSE.md", "licence.txt", "COPYING", "MODEL-LICENSE"])
def test_the_text_of_mit_passes_as_it_is(name: str) -> None:
    assert look(name, (LICENCES / "mit.txt").read_bytes()).findings == ()
