# SPDX-License-Identifier: Apache-2.0
import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.admin.conftest import FakeLedger, FakeSupervisor, Steps, take_in

from freehold.admin.interface import Parts
from freehold.admin.keys import digest_of
from freehold.admin.operations import Asker, Operations
from freehold.admin.requests import ById, ByName, CreateKey, CreateOperator, ImportModel, ListModels, Nothing
from freehold.channel import Channel, connect
from freehold.contract.backend import EngineState, EngineStatus
from freehold.contract.estate import Estate
from freehold.contract.report import GatewayReport
from freehold.contract.snapshot import Snapshot
from freehold.errors import (
    EstateError,
    InvalidRequest,
    LedgerFull,
    LedgerUnavailable,
    NotFound,
    SettingsError,
    VaultError,
    VerificationFailed,
)

SHA256 = re.compile(r"sha256:[0-9a-f]{64}")


@pytest.fixture
def asker(steps: Steps) -> Asker:
    return steps.asker()


async def made(operations: Operations, asker: Asker, **wishes: Any) -> dict[str, Any]:
    key: Any = (await operations.keyring.create_key(CreateKey(**wishes), asker.id))["key"]
    return dict(key)


async def test_a_key_is_shown_once_and_kept_as_its_digest(operations: Operations, parts: Parts, asker: Asker) -> None:
    key = await made(operations, asker, label="billing", services=("default",), expires_in_s=60.0)
    (kept,) = parts.state.api_keys()
    assert kept.secret_sha256 == digest_of(key["secret"])
    assert (kept.label, kept.services, kept.expires_unix - kept.created_unix) == ("billing", ("default",), 60.0)
    shown: Any = (await operations.keyring.list_keys(Nothing(), asker.id))["keys"]
    assert "secret" not in shown[0]
    assert digest_of(key["secret"]) not in str(shown)


async def test_acts_are_on_record_by_ids_and_digests_alone(
    operations: Operations, ledger: FakeLedger, steps: Steps
) -> None:
    key = await made(operations, steps.asker("op_7"), label="a person's words")
    await operations.keyring.revoke_key(ById(id=key["id"]), "local")
    (create, revoke) = ledger.acts
    assert create[:3] == ("key.create", key["id"], "op_7")
    assert revoke[:3] == ("key.revoke", key["id"], "local")
    assert SHA256.fullmatch(create[3]["grant"])
    assert "person" not in str(ledger.acts)


async def test_no_key_without_its_record(
    operations: Operations, parts: Parts, ledger: FakeLedger, asker: Asker
) -> None:
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerFull):
        await made(operations, asker)
    assert parts.state.api_keys() == ()


async def test_a_ledger_that_does_not_answer_is_not_waited_for_long(
    operations: Operations, ledger: FakeLedger, asker: Asker
) -> None:
    ledger.silent = True
    with pytest.raises(LedgerUnavailable, match=r"did not record operator\.create"):
        await operations.keyring.create_operator(CreateOperator(), asker.id)


async def test_a_full_disk_keeps_no_leaked_key_alive(
    operations: Operations, parts: Parts, ledger: FakeLedger, asker: Asker
) -> None:
    key = await made(operations, asker)
    ledger.fault = LedgerFull("the disk is full")
    with pytest.raises(LedgerUnavailable, match="is revoked, but that is not on record: the disk is full"):
        await operations.keyring.revoke_key(ById(id=key["id"]), asker.id)
    assert parts.state.api_keys()[0].revoked_unix > 0


async def test_a_key_for_a_service_that_is_not_there_is_refused(operations: Operations, asker: Asker) -> None:
    with pytest.raises(InvalidRequest, match="no service 'gpt-4o'; there are: default"):
        await made(operations, asker, services=("gpt-4o",))


async def test_a_revocation_that_a_gateway_did_not_confirm_is_not_reported_done(
    operations: Operations, parts: Parts, estate: Estate, asker: Asker
) -> None:
    await parts.publisher.open(estate.snapshot_socket)
    key = await made(operations, asker)
    gateway: Channel[Snapshot, GatewayReport] = await connect(estate.snapshot_socket, Snapshot)
    assert [known.id for known in (await gateway.receive()).keys] == [key["id"]]
    with pytest.raises(EstateError, match="may still accept it"):
        await operations.keyring.revoke_key(ById(id=key["id"]), asker.id)
    assert (await gateway.receive()).keys == ()
    gateway.close()
    parts.publisher.close()


async def test_what_is_not_there_cannot_be_revoked(operations: Operations, asker: Asker, ledger: FakeLedger) -> None:
    with pytest.raises(NotFound, match="no API key 'key_0'"):
        await operations.keyring.revoke_key(ById(id="key_0"), asker.id)
    with pytest.raises(NotFound, match="no operator 'op_0'"):
        await operations.keyring.revoke_operator(ById(id="op_0"), asker.id)
    assert ledger.acts == []


async def test_an_operators_token_ends_with_the_operator(operations: Operations, parts: Parts, asker: Asker) -> None:
    operator: Any = (await operations.keyring.create_operator(CreateOperator(label="Jeanne"), asker.id))["operator"]
    assert parts.state.operator_with(digest_of(operator["token"])) == operator["id"]
    await operations.keyring.revoke_operator(ById(id=operator["id"]), asker.id)
    assert parts.state.operator_with(digest_of(operator["token"])) is None
    shown: Any = (await operations.keyring.list_operators(Nothing(), asker.id))["operators"]
    assert [(row["label"], row["state"]) for row in shown] == [("Jeanne", "revoked")]


async def test_acts_at_the_same_time_each_have_a_version(operations: Operations, parts: Parts, asker: Asker) -> None:
    await asyncio.gather(*(made(operations, asker) for _ in range(8)))
    assert len(parts.state.api_keys()) == 8
    assert parts.state.next_snapshot_version() == 9


async def test_a_model_is_imported_with_progress_and_on_record(
    operations: Operations,
    ledger: FakeLedger,
    supervisor: FakeSupervisor,
    steps: Steps,
    gguf: Callable[[], Path],
) -> None:
    request = ImportModel(source=str(gguf()), name="tiny")
    first = await take_in(operations, request, steps.asker())
    again = await take_in(operations, request, steps.asker())
    assert (first["new"], again["new"]) == (True, False)
    assert "importing" in steps.told
    assert supervisor.retried == ["tiny", "tiny"]
    kind, subject, _, digests = ledger.acts[0]
    assert (kind, subject, digests) == ("model.import", "tiny", {"weights": first["model"].digest})  # type: ignore[attr-defined]  # a Manifest
    model = msgspec.to_builtins(first["model"])
    shown = (await operations.modelling.show_model(ByName(name="tiny"), "local"))["model"]
    assert model.items() <= shown.items()  # type: ignore[attr-defined]  # an answer is a mapping of anything
    rows: Any = (await operations.modelling.list_models(ListModels(), "local"))["models"]
    assert [(row["name"], row["targets"]) for row in rows] == [("tiny", [])]


async def test_a_damaged_model_fails_its_verification(
    operations: Operations, estate: Estate, asker: Asker, gguf: Callable[[], Path]
) -> None:
    await take_in(operations, ImportModel(source=str(gguf()), name="tiny"), asker)
    await operations.custody.verify_model(ByName(name="tiny"), asker.id, asker.told("verifying"))
    (blob,) = (estate.vault / "blobs" / "sha256").iterdir()
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-1] + b"\xff")
    with pytest.raises(VerificationFailed):
        await operations.custody.verify_model(ByName(name="tiny"), asker.id, asker.told("verifying"))


async def test_an_import_that_fails_leaves_no_record(operations: Operations, ledger: FakeLedger, asker: Asker) -> None:
    with pytest.raises(VaultError):
        await take_in(operations, ImportModel(source="/does/not/exist.gguf"), asker)
    assert ledger.acts == []


async def test_a_reload_puts_services_in_force_and_names_what_waits(
    operations: Operations, estate: Estate, asker: Asker, ledger: FakeLedger
) -> None:
    text = estate.settings.read_text().replace("port = 8080", "port = 9000").replace("# queue = 64", "queue = 8")
    estate.settings.write_text(text + '\n[service.support]\ntargets = ["local"]\n')
    answer: Any = (await operations.reload(Nothing(), asker))["reload"]
    assert answer == {"in_force": True, "after_restart": ["[listen]", "[target.local]"]}
    assert (await made(operations, asker, services=("support",)))["services"] == ("support",)
    kind, subject, _, digests = ledger.acts[0]
    assert (kind, subject) == ("settings.reload", "freehold.toml")
    assert SHA256.fullmatch(digests["settings"])


async def test_a_broken_file_leaves_the_configuration_in_force(
    operations: Operations, estate: Estate, asker: Asker, ledger: FakeLedger
) -> None:
    text = estate.settings.read_text()
    estate.settings.write_text(text.replace("[gateway]", "[gateway]\nturbo = true"))
    with pytest.raises(SettingsError, match=r"line \d+: \[gateway\] turbo: unknown key"):
        await operations.reload(Nothing(), asker)
    estate.settings.write_text(re.sub(r'origin = "[^"]*"', 'origin = "other.example/1"', text))
    with pytest.raises(SettingsError, match="cannot be changed"):
        await operations.reload(Nothing(), asker)
    assert ledger.acts == []
    assert (await made(operations, asker, services=("default",)))["state"] == "active"


async def test_the_status_shows_every_part(operations: Operations, asker: Asker) -> None:
    status: Any = json.loads(msgspec.json.encode(await operations.status(Nothing(), asker)))["status"]
    (target,) = status["targets"]
    assert (status["state"], status["processes"][0]["name"]) == ("up", "ledger")
    assert (target["target"], target["model"], target["state"]) == ("local", "smollm2-135m-instruct", "ready")
    assert (target["sealed"], target["jail"]["missing"]) == (False, ["landlock: none"])
    assert status["ledger"]["open_admissions"] == 0


async def test_the_status_shows_a_ledger_that_is_away(operations: Operations, ledger: FakeLedger, asker: Asker) -> None:
    ledger.fault = LedgerUnavailable("the ledger does not answer")
    status: Any = (await operations.status(Nothing(), asker))["status"]
    assert status["ledger"] == {"unavailable": "the ledger does not answer"}


async def test_the_doctor_is_loud_about_a_partial_jail_and_missing_weights(
    operations: Operations, ledger: FakeLedger, supervisor: FakeSupervisor, asker: Asker
) -> None:
    ledger.fault = LedgerUnavailable("the ledger does not answer")
    supervisor.engines += (EngineStatus(target="spare", state=EngineState.FAILED, reason="no such model"),)
    checks: Any = (await operations.doctor(Nothing(), asker))["checks"]
    found = {(check.name, str(check.finding)) for check in checks}
    assert {("jail", "warn"), ("weights", "fail"), ("ledger", "fail"), ("engine", "fail")} <= found
    assert all(check.advice for check in checks if check.finding != "ok")
