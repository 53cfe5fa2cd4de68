# SPDX-License-Identifier: Apache-2.0
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from freehold.assess.bom import bom_of_estate, bom_of_model
from freehold.assess.bom.licensed import licences_of
from freehold.policy.facts import load_register
from freehold.settings import Settings, read_settings
from freehold.vault import Manifest
from freehold.vault.manifest import Lineage, ModelFile

AT = datetime(2026, 11, 22, 23, 21, tzinfo=UTC)
SETTINGS = """
[estate]
origin = "freehold.local/bom"

[service.support]
targets = ["claude", "local"]
data_class = "personal"

[service.search]
targets = ["vectors"]

[target.claude]
provider = "anthropic"
model = "claude-opus-4-8"

[target.local]
engine = "llamacpp"
model = "talks"

[target.vectors]
engine = "llamacpp"
model = "talks"

[provider.anthropic]
key = "env:KEY_THAT_IS_NO_PART_OF_A_BILL"
"""


def manifest(name: str, *digits: str, lineage: Lineage | None = None, licence: str = "Apache-2.0") -> Manifest:
    files = tuple(
        ModelFile(path=f"{number}.gguf", digest=f"sha256:{digit * 64}", size_bytes=7)
        for number, digit in enumerate(digits)
    )
    return Manifest(
        name=name,
        digest=f"sha256:{digits[0] * 64}",
        size_bytes=7 * len(files),
        files=files,
        title="A model",
        architecture="llama",
        parameters=135_000_000,
        quantisation="Q4_1",
        context_train_tokens=8192,
        chat_template_digest="",
        tokenizer="gpt2",
        licence=licence,
        origin="https://models.example/a.gguf",
        lineage=lineage or Lineage(),
        imported_at="2026-11-22T14:38:05Z",
    )


PARENT = manifest("talks", "a")
CHILD = manifest("tuned", "b", lineage=Lineage(parents=(PARENT.digest,), done="requantised to Q8_0"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "freehold.toml"
    path.write_text(SETTINGS)
    return read_settings(path)


def read(written: bytes) -> dict[str, Any]:
    """The document, once the format's own validator has nothing against it."""
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(written.decode()) is None
    return dict(json.loads(written))


def of_estate(settings: Settings, *models: Manifest) -> dict[str, Any]:
    return read(bom_of_estate(settings, models, load_register(), AT, Path("/nowhere")))


def named(parts: list[dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = [part for part in parts if part["name"] == name]
    return found


def values(part: dict[str, Any]) -> dict[str, str]:
    return {row["name"].removeprefix("freehold:"): row["value"] for row in part["properties"]}


def test_the_whole_estate_is_on_the_bill(settings: Settings) -> None:
    found = of_estate(settings, PARENT, CHILD)
    assert found["metadata"]["component"]["name"] == "freehold.local/bom"
    assert {"talks", "tuned", "llamacpp", "freehold", "msgspec", "cryptography", "cffi"} <= {
        part["name"] for part in found["components"]
    }
    assert [service["name"] for service in found["services"]] == ["anthropic"]


def test_a_model_has_its_files_its_card_its_licence_and_what_it_was_made_of(settings: Settings) -> None:
    tuned = named(of_estate(settings, PARENT, CHILD)["components"], "tuned")
    assert tuned["hashes"] == [{"alg": "SHA-256", "content": "b" * 64}]
    assert tuned["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert tuned["modelCard"]["modelParameters"]["architectureFamily"] == "llama"
    assert [(each["name"], each["version"]) for each in tuned["pedigree"]["ancestors"]] == [("talks", PARENT.digest)]
    assert tuned["pedigree"]["notes"] == "requantised to Q8_0"
    assert [file["name"] for file in tuned["components"]] == ["0.gguf"]


def test_a_parent_that_the_vault_does_not_have_is_named_by_its_digest() -> None:
    found = read(bom_of_model(CHILD, [CHILD], AT))
    assert found["metadata"]["component"]["pedigree"]["ancestors"][0]["name"] == PARENT.digest


def test_a_package_has_the_hashes_that_this_release_is_locked_to(settings: Settings) -> None:
    package = named(of_estate(settings)["components"], "msgspec")
    assert package["purl"] == f"pkg:pypi/msgspec@{package['version']}"
    (reference,) = package["externalReferences"]
    locked = Path("requirements/run.lock").read_text(encoding="utf-8")
    assert reference["hashes"]
    assert all(row["content"] in locked for row in reference["hashes"])
    assert values(package)["package:locked"] == "yes"


def test_no_package_of_the_tests_is_on_the_bill(settings: Settings) -> None:
    names = {part["name"] for part in of_estate(settings)["components"]}
    assert names.isdisjoint({"pytest", "mypy", "openai", "phonenumberslite"})


def test_a_provider_is_a_service_with_its_operator_and_what_may_flow_to_it(settings: Settings) -> None:
    service = named(of_estate(settings)["services"], "anthropic")
    assert service["x-trust-boundary"] is True
    assert service["provider"]["name"] == "Anthropic Ireland, Limited"
    assert service["provider"]["address"]["country"] == "IE"  # the seat of whoever signs
    assert service["data"] == [{"flow": "bi-directional", "classification": "personal"}]
    assert "US" in values(service)["provider:authorities"]


def test_no_secret_nor_where_it_lies_is_on_the_bill(settings: Settings) -> None:
    assert "KEY_THAT_IS_NO_PART_OF_A_BILL" not in json.dumps(of_estate(settings, PARENT))


def test_an_engine_has_the_digest_of_what_would_run_and_needs_its_model(settings: Settings) -> None:
    found = of_estate(settings, PARENT)
    engine = named(found["components"], "llamacpp")
    assert len(engine["hashes"][0]["content"]) == 64
    needs = {row["ref"]: row["dependsOn"] for row in found["dependencies"]}
    assert needs[engine["bom-ref"]] == [f"model:{PARENT.digest}"]


def test_every_reference_leads_somewhere(settings: Settings) -> None:
    found = of_estate(settings, PARENT, CHILD)
    parts = [found["metadata"]["component"], *found["components"], *found["services"]]
    known = {part["bom-ref"] for part in parts}
    rows = found["dependencies"]
    assert {row["ref"] for row in rows} | {need for row in rows for need in row["dependsOn"]} <= known


def test_the_same_estate_gives_the_same_bytes_and_another_one_another_number(settings: Settings) -> None:
    assert of_estate(settings, PARENT) == of_estate(settings, PARENT)
    assert of_estate(settings, PARENT)["serialNumber"] != of_estate(settings, CHILD)["serialNumber"]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("MIT", [{"license": {"id": "MIT"}}]),
        ("Apache-2.0 AND MIT", [{"expression": "Apache-2.0 AND MIT"}]),
        ("Gemma Terms of Use", [{"license": {"name": "Gemma Terms of Use"}}]),
        ("mit or so (we think)", [{"license": {"name": "mit or so (we think)"}}]),
        ("My OR Yours", [{"license": {"name": "My OR Yours"}}]),
        ("", []),
    ],
)
def test_what_is_no_spdx_licence_is_not_passed_off_as_one(said: str, written: list[dict[str, Any]]) -> None:
    assert licences_of(said) == written
