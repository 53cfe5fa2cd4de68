# SPDX-License-Identifier: Apache-2.0
"""Providers as the operations of an estate know them: put in force, refused, shown, examined. Nobody is contacted."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.facts_builder import organisation, provider, said, text
from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, Steps

from freehold.admin.doctor import Finding, examine
from freehold.admin.interface import Parts
from freehold.admin.operations import Asker, Operations
from freehold.admin.requests import Nothing
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.contract.snapshot import Snapshot
from freehold.egress.age import seal
from freehold.errors import SettingsError
from freehold.policy.cedar import read_rules
from freehold.policy.decide import backends_of
from freehold.policy.facts import load_register
from freehold.policy.judge import Application, Circumstances, Judge
from freehold.settings import read_settings

PROVIDER = """
[target.there]
provider = "paris"
model = "m-1"
answers_as = ["m-1b"]

[provider.paris]
base_url = "https://llm.example.fr/v1"
key = "file:keys/paris.age"
"""


@pytest.fixture
def asker(steps: Steps) -> Asker:
    return steps.asker()


def configure(estate: Estate, more: str = PROVIDER, *, set_name: str = "owned-only") -> None:
    estate.facts.mkdir(exist_ok=True)
    where = said(states=["GB"], complete="yes")
    known = provider("example-sas", hosts=[said(host="llm.example.fr")], dialects=["openai"], locations=where)
    own = {"organisations": {"example-sas": organisation("FR")}, "providers": {"paris": known}}
    (estate.facts / "paris.yaml").write_text(text(**own))
    written = estate.settings.read_text().replace('targets = ["local"]', 'targets = ["local", "there"]')
    estate.settings.write_text(written.replace('# set = "owned-only"', f'set = "{set_name}"') + more)


async def composed(operations: Operations) -> Snapshot:
    return operations._composed(0)


async def test_a_provider_stands_in_the_snapshot_with_its_endpoint_and_its_authorities(
    estate: Estate, parts: Parts
) -> None:
    configure(estate)
    operations = Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX)
    await operations.start()
    snapshot = await composed(operations)
    (endpoint,) = snapshot.endpoints
    (target,) = [target for target in snapshot.targets if target.name == "there"]
    assert (endpoint.provider, endpoint.base_url, endpoint.key) == (
        "paris",
        "https://llm.example.fr/v1",
        "file:keys/paris.age",
    )
    assert (target.operator, target.authorities, target.answers_as) == ("paris", ("FR",), ("m-1b",))
    assert {facts.operator for facts in snapshot.law.facts} == {"self", "paris"}


async def test_a_new_provider_comes_into_force_without_a_restart(
    operations: Operations, estate: Estate, asker: Asker
) -> None:
    await operations.start()
    configure(estate)
    answer: Any = await operations.reload(Nothing(), asker)
    assert answer["reload"]["after_restart"] == []
    assert [endpoint.host for endpoint in (await composed(operations)).endpoints] == ["llm.example.fr"]


async def test_an_endpoint_that_may_not_be_leaves_all_that_was_in_force(
    operations: Operations, estate: Estate, asker: Asker, ledger: FakeLedger
) -> None:
    configure(estate)
    await operations.start()
    await operations.reload(Nothing(), asker)
    before = await composed(operations)
    estate.settings.write_text(estate.settings.read_text().replace("llm.example.fr", "llm.example.com"))
    with pytest.raises(SettingsError, match=r"line \d+: \[provider\.paris\] base_url: the facts name no host"):
        await operations.reload(Nothing(), asker)
    assert (await composed(operations)).endpoints == before.endpoints
    assert len(ledger.acts) == 1


async def test_an_estate_with_an_endpoint_that_may_not_be_does_not_start(estate: Estate, parts: Parts) -> None:
    configure(estate, PROVIDER.replace("https://llm.example.fr", "http://llm.example.fr"))
    with pytest.raises(SettingsError, match="plain http://"):
        await Operations(parts, read_settings(estate.settings)).start()


async def test_status_shows_providers_beside_engines_and_whether_the_key_is_there(
    estate: Estate, parts: Parts, asker: Asker
) -> None:
    configure(estate)
    operations = Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX)
    await operations.start()
    status: Any = (await operations.status(Nothing(), asker))["status"]
    engine, there = status["targets"]
    assert (engine["kind"], engine["target"]) == ("engine", "local")
    assert (there["kind"], there["target"], there["provider"], there["host"], there["model"]) == (
        "provider",
        "there",
        "paris",
        "llm.example.fr",
        "m-1",
    )
    assert (there["state"], there["key"], there["authorities"]) == ("no key", "missing", ("FR",))
    assert "file:keys/paris.age cannot be read" in there["reason"]
    seal(estate, "paris", "hunter2")
    status = (await operations.status(Nothing(), asker))["status"]
    assert (status["targets"][1]["state"], status["targets"][1]["key"]) == ("ready", "there")
    assert "hunter2" not in str(status)


def test_the_doctor_misses_the_key_and_asks_nobody(estate: Estate) -> None:
    configure(estate)

    def found() -> list[tuple[Finding, str]]:
        settings = read_settings(estate.settings)
        checks = examine(estate, settings, unencrypted=False, live=None, progress=lambda _done, _total: None)
        return [(check.finding, check.what) for check in checks if check.name == "provider"]

    ((finding, what),) = found()
    assert finding is Finding.FAIL
    assert "paris at llm.example.fr:443" in what
    seal(estate, "paris", "hunter2")
    assert found() == [(Finding.OK, "paris at llm.example.fr:443: its key is there")]


class Clock:
    def __init__(self) -> None:
        self.now_unix = NOW_UNIX

    def __call__(self) -> float:
        return self.now_unix


def permits(snapshot: Snapshot, target: str) -> bool:
    judge = Judge(read_rules(snapshot.law.files), backends_of(snapshot), snapshot.law.states)
    circumstances = Circumstances(service="default", purpose="", data_class=DataClass.PUBLIC, at_unix=0)
    return judge.judge(Application(key="key_1", services=("*",)), target, circumstances).allowed


async def test_a_day_whose_law_breaks_a_claim_finds_no_provider_permitted_until_the_claims_hold(
    estate: Estate, parts: Parts, asker: Asker, caplog: pytest.LogCaptureFixture
) -> None:
    """The rule stands for any that leans on a list of states that changes with the day."""
    configure(estate, set_name="open")
    estate.policies.mkdir()
    rule = '@id("own") forbid (principal, action, resource) when { [/*ADEQUATE*/].containsAny(resource.locations) };'
    (estate.policies / "own.cedar").write_text(rule)
    (estate.policies / "claims.txt").write_text("no public data located in GB\n")
    clock = Clock()
    operations = Operations(parts, read_settings(estate.settings), now_unix=clock)
    await operations.start()
    assert not permits(await composed(operations), "there")
    expiry = next(decision.expires for decision in load_register().adequacy.values() if decision.expires)
    clock.now_unix = datetime(expiry.year, expiry.month, expiry.day, tzinfo=UTC).timestamp()
    (estate.policies / "claims.txt").write_text("")  # what is only in the files changes nothing
    assert await operations.turn_day()
    snapshot = await composed(operations)
    assert (permits(snapshot, "local"), permits(snapshot, "there")) == (True, False)
    assert snapshot.law.files[-1].name == "held-back.cedar"
    assert "NO PROVIDER MAY SEE A CALL" in caplog.text
    checks: Any = (await operations.doctor(Nothing(), asker))["checks"]
    assert any(check.name == "claims" and check.finding is Finding.FAIL for check in checks)
    await operations.reload(Nothing(), asker)  # now without the claim
    assert permits(await composed(operations), "there")
