# SPDX-License-Identifier: Apache-2.0
"""Approving, signing and removing models: who may, what is on record, and in which order."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.gguf_builder import Gguf, text
from tests.unit.admin.conftest import FakeLedger, FakeSupervisor, Steps, take_in

from freehold.admin.operations import Operations
from freehold.admin.requests import ApproveModel, ByName, ImportModel, ListModels, SignModel
from freehold.contract.estate import Estate
from freehold.errors import EstateError, LedgerFull, VaultError
from freehold.settings import read_settings
from freehold.signing.elliptic import create_elliptic_key
from freehold.vault import Vault, read_trust
from freehold.vault.hashing import silent

TINY = ByName(name="tiny")


@pytest.fixture
async def imported(operations: Operations, gguf: Callable[[], Path], steps: Steps) -> dict[str, Any]:
    """What an import of the model called tiny answered."""
    answer = await take_in(operations, ImportModel(source=str(gguf()), name="tiny"), steps.asker())
    return dict(answer)


def opens(estate: Estate) -> bool:
    """Whether an engine would get the model."""
    try:
        Vault(estate.vault).open_verified("tiny", read_trust(estate, read_settings(estate.settings))).close()
    except VaultError:
        return False
    return True


async def test_a_fresh_import_may_not_run_and_says_so(imported: dict[str, Any], estate: Estate) -> None:
    custody = imported["custody"]
    assert not custody["may_run"]
    assert "nobody has approved it" in custody["why"]
    assert not opens(estate)


async def test_an_approval_is_on_record_by_its_digests_and_wakes_the_engine(
    operations: Operations, imported: dict[str, Any], estate: Estate, ledger: FakeLedger, supervisor: FakeSupervisor
) -> None:
    supervisor.retried.clear()
    wish = ApproveModel(name="tiny", manifest=imported["custody"]["manifest_digest"], reason="read by two people")
    custody: Any = (await operations.custody.approve(wish, "op_1"))["custody"]
    assert custody["may_run"]
    assert custody["why"].endswith(": read by two people")
    assert opens(estate)
    assert supervisor.retried == ["tiny"]
    kind, subject, operator, digests = ledger.acts[-1]
    assert (kind, subject, operator) == ("model.approve", "tiny", "op_1")
    assert digests.keys() == {"weights", "manifest", "approval", "template"}
    assert digests["manifest"] == wish.manifest
    assert "two people" not in repr(ledger.acts)


async def test_what_was_not_shown_is_not_approved(
    operations: Operations, imported: dict[str, Any], estate: Estate
) -> None:
    wish = ApproveModel(name="tiny", manifest="sha256:" + "0" * 64)
    with pytest.raises(VaultError, match="tiny is not what was shown"):
        await operations.custody.approve(wish, "op_1")
    assert not opens(estate)


async def test_an_approval_that_cannot_be_recorded_is_none(
    operations: Operations, imported: dict[str, Any], estate: Estate, ledger: FakeLedger
) -> None:
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerFull):
        await operations.custody.approve(ApproveModel(name="tiny"), "op_1")
    assert not opens(estate)


async def test_an_import_can_be_approved_in_one_step(
    operations: Operations, gguf: Callable[[], Path], steps: Steps, estate: Estate, ledger: FakeLedger
) -> None:
    wish = ImportModel(source=str(gguf()), name="tiny", approve=True, reason="ours")
    answer: Any = await take_in(operations, wish, steps.asker("op_1"))
    assert answer["custody"]["may_run"]
    assert opens(estate)
    assert [act[0] for act in ledger.acts] == ["model.import", "model.approve"]


async def test_a_signature_is_kept_and_on_record(
    operations: Operations, imported: dict[str, Any], ledger: FakeLedger, steps: Steps, tmp_path: Path
) -> None:
    key = create_elliptic_key(tmp_path / "publisher.key")
    wish = SignModel(name="tiny", key=f"file:{tmp_path}/publisher.key")
    custody: Any = (await operations.custody.sign(wish, "op_1", silent))["custody"]
    assert key.verifier.hint in [signed["key"] for signed in custody["signatures"]]
    assert ledger.acts[-1][:3] == ("model.sign", "tiny", "op_1")
    with pytest.raises(EstateError, match="no key can be read from pkcs11:"):
        await operations.custody.sign(SignModel(name="tiny", key="pkcs11:x"), "op_1", silent)


async def test_a_model_is_removed_and_that_is_on_record(
    operations: Operations, imported: dict[str, Any], ledger: FakeLedger, steps: Steps
) -> None:
    await operations.custody.remove(TINY, "op_1")
    assert ledger.acts[-1] == ("model.remove", "tiny", "op_1", {"weights": imported["model"].digest})
    assert (await operations.modelling.list_models(ListModels(), "local"))["models"] == []


async def test_the_model_of_a_target_is_not_removed(operations: Operations, steps: Steps, tmp_path: Path) -> None:
    source = tmp_path / "default.gguf"
    source.write_bytes(Gguf().with_value("general.name", text("default")).build())
    name = "smollm2-135m-instruct"
    await take_in(operations, ImportModel(source=str(source), name=name), steps.asker())
    with pytest.raises(VaultError, match=f"{name} is the model of the target local"):
        await operations.custody.remove(ByName(name=name), "op_1")
    assert len((await operations.modelling.list_models(ListModels(), "local"))["models"]) == 1  # type: ignore[arg-type]  # a tuple


async def test_a_lost_key_is_not_replaced_in_silence(
    operations: Operations, imported: dict[str, Any], estate: Estate
) -> None:
    estate.vault_key.unlink()
    with pytest.raises(EstateError, match=r"vault\.key is gone"):
        await operations.custody.approve(ApproveModel(name="tiny"), "op_1")
