# SPDX-License-Identifier: Apache-2.0
"""Tuning as an operation: who answers for what is kept, what is on record, and what freehold.toml says afterwards."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.tuning_builder import FAKES, licensed_model, write_model
from tests.unit.admin.conftest import FakeLedger, Steps, take_in

from freehold.admin.interface import Parts
from freehold.admin.operations import Asker, Operations
from freehold.admin.requests import ByName, ImportModel, TuneModel
from freehold.admin.tuning import Tuning
from freehold.continuity.acceptance import read_cases
from freehold.contract.estate import Estate
from freehold.errors import EstateError, InvalidRequest, LedgerFull, VaultError
from freehold.settings import Settings, read_settings

MODEL = "smollm2-135m-instruct"  # that of a fresh estate's target


@pytest.fixture
def operations(operations: Operations, parts: Parts) -> Operations:
    """The same, with an engine that answers by the size of its weights."""
    settings: Settings = read_settings(parts.estate.settings)
    operations.tuning = Tuning(parts, operations._means(), dict, FAKES)
    assert settings.engines["local"].model == MODEL
    return operations


async def took_in(operations: Operations, folder: Path, steps: Steps, content: bytes | None = None) -> None:
    source = str(write_model(folder, content))
    await take_in(operations, ImportModel(source=source, name=MODEL, approve=True, reason="read"), steps.asker())


async def tune(operations: Operations, request: TuneModel, asker: Asker) -> Any:
    return (await operations.tuning.tune(request, asker.id, asker.progress))["tune"]


def wish(**changes: Any) -> TuneModel:
    defaults: dict[str, Any] = {"name": MODEL, "formats": ("q8_0",), "max_loss": 0.5, "quick": True}
    return TuneModel(**(defaults | changes))


async def test_what_is_kept_is_signed_approved_and_on_record_first(
    operations: Operations, parts: Parts, ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps)
    told = await tune(operations, wish(), steps.asker("op_1"))
    derived = told["derived"]
    assert (derived.name, derived.quantisation) == (f"{MODEL}-q8_0", "Q8_0")
    assert derived.lineage.done.startswith("requantised from F32 to q8_0 by gguf ")
    kind, subject, operator, digests = ledger.acts[-1]
    assert (kind, subject, operator) == ("model.tune", f"{MODEL}-q8_0", "op_1")
    assert digests["parent"] == parts.vault.show(MODEL).digest
    assert digests["weights"] == derived.digest
    assert told["in_use"] is None
    custody = (await operations.custody.show(ByName(name=derived.name), "local"))["custody"]
    assert isinstance(custody, dict)
    assert custody["may_run"]
    assert custody["signatures"][0]["manifest_too"]
    assert "tuning" in steps.told


async def test_put_into_use_the_target_names_it_and_nothing_else_changes(
    operations: Operations, estate: Estate, ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps)
    before = estate.settings.read_text()
    told = await tune(operations, wish(auto=True), steps.asker())
    assert told["in_use"] == {"targets": ["local"], "file": str(estate.settings), "changed": True}
    after = estate.settings.read_text()
    assert after == before.replace(f'model = "{MODEL}"', f'model = "{MODEL}-q8_0"', 1)
    assert read_settings(estate.settings).engines["local"].model == f"{MODEL}-q8_0"
    assert [act[0] for act in ledger.acts[-2:]] == ["model.tune", "model.use"]


async def test_settings_that_cannot_be_changed_surely_are_left_to_the_person(
    operations: Operations, estate: Estate, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps)
    text = estate.settings.read_text().replace(f'model = "{MODEL}"', f'model = """{MODEL}"""')
    estate.settings.write_text(text)
    told = await tune(operations, wish(auto=True), steps.asker())
    assert told["in_use"]["changed"] is False
    assert estate.settings.read_text() == text


async def test_what_cannot_be_recorded_is_not_kept(
    operations: Operations, parts: Parts, ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps)
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerFull):
        await tune(operations, wish(auto=True), steps.asker())
    assert [manifest.name for manifest in parts.vault.list()] == [MODEL]


async def test_one_model_is_tuned_at_a_time(operations: Operations, steps: Steps, tmp_path: Path) -> None:
    await took_in(operations, tmp_path, steps)
    first = asyncio.ensure_future(tune(operations, wish(keep="none"), steps.asker()))
    await asyncio.sleep(0)
    with pytest.raises(EstateError, match=f"{MODEL} is being tuned already"):
        await tune(operations, wish(), steps.asker())
    assert (await first)["derived"] is None
    assert (await tune(operations, wish(keep="none"), steps.asker()))["chosen"] is None


async def test_a_licence_that_wants_a_reason_wants_it_before_anything_is_measured(
    operations: Operations, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps, licensed_model())
    with pytest.raises(InvalidRequest, match="is approved only with a reason"):
        await tune(operations, wish(), steps.asker())
    told = await tune(operations, wish(reason="counsel has read it"), steps.asker())
    assert told["derived"].name == f"{MODEL}-q8_0"


async def test_a_model_that_is_not_there_is_named(operations: Operations, steps: Steps) -> None:
    with pytest.raises(VaultError, match=f"the vault has no model '{MODEL}'"):
        await tune(operations, wish(), steps.asker())


async def test_a_name_that_no_model_can_have_is_refused_before_anything_is_measured(
    operations: Operations, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps)
    steps.told.clear()
    with pytest.raises(VaultError, match="cannot be a model's name"):
        await tune(operations, wish(derived_name="No Name"), steps.asker())
    assert steps.told == []


async def test_the_cases_of_the_services_it_answers_for_are_put_to_each_format(
    operations: Operations, parts: Parts, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps)
    text = """
cases:
  - id: says-one
    prompt: Say it.
    checks: [{contains: One house}]
  - id: says-two
    prompt: Say it.
    checks: [{contains: Two houses}]
"""
    suites = {"default": read_cases(text, "cases.yaml")}
    operations.tuning = Tuning(parts, operations._means(), lambda: suites, FAKES)
    told = await tune(operations, wish(keep="none"), steps.asker())
    assert [(row["cases_passed"], row["cases"]) for row in told["formats"]] == [(1, 2), (1, 2)]


async def test_nothing_kept_cannot_be_used(operations: Operations, steps: Steps, tmp_path: Path) -> None:
    await took_in(operations, tmp_path, steps)
    with pytest.raises(InvalidRequest, match="nothing can be put into use"):
        await tune(operations, wish(keep="none", auto=True), steps.asker())


async def test_tuned_again_the_same_model_is_found(
    operations: Operations, parts: Parts, steps: Steps, tmp_path: Path
) -> None:
    await took_in(operations, tmp_path, steps)
    first = await tune(operations, wish(), steps.asker())
    again = await tune(operations, wish(), steps.asker())
    assert (first["was_there"], again["was_there"]) == (False, True)
    assert again["derived"].digest == first["derived"].digest
    assert len(parts.vault.list()) == 2
