# SPDX-License-Identifier: Apache-2.0
from typing import Any

import pytest
from tests.facts_builder import organisation, provider, said, text
from tests.unit.admin.conftest import FakeLedger, Steps, take_in

from freehold.admin.configured import read_configured
from freehold.admin.contacts import hosts_of
from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.publish import compose
from freehold.admin.requests import ImportModel, Nothing
from freehold.contract.estate import Estate
from freehold.contract.grant import Allowance, Errand, Place
from freehold.errors import LedgerUnavailable
from freehold.settings import read_settings
from freehold.vault import Vault
from freehold.vault.fetching import Delivery, WheelPin
from freehold.vault.sources import PackageFile

FACTS = {
    "organisations": {"french": organisation("FR"), "american": organisation("US")},
    "providers": {
        name: provider(by, hosts=[said(host=f"api.{name}.example.org")], dialects=["openai"])
        for name, by in (("paris", "french"), ("austin", "american"), ("idle", "french"))
    },
}
PROVIDERS = """
[service.desk]
data_class = "personal"
targets = ["far", "near", "local"]

[service.site]
data_class = "public"
targets = ["near"]

""" + "".join(
    f'[target.{target}]\nprovider = "{name}"\nmodel = "m"\n\n'
    f'[provider.{name}]\nbase_url = "https://api.{name}.example.org/v1"\n\n'
    for target, name in (("near", "paris"), ("far", "austin"), ("unused", "idle"))
)
GRANT = """
[grant.mirror]
for = "import"
hosts = ["mirror.example.org", "10.0.0.7:3141"]
why = "our own mirror"
allow_private = true
"""


@pytest.fixture
def listed(estate: Estate) -> Any:
    """The list of an estate whose settings say so much more."""

    def of(more: str, policy: str = "owned-only", *, sealed: bool = False) -> list[dict[str, Any]]:
        estate.facts.mkdir(exist_ok=True)
        (estate.facts / "own.yaml").write_text(text(**FACTS))
        made = estate.settings.read_text(encoding="utf-8")
        estate.settings.write_text(f"{made}\n{more}".replace("[policy]", f'[policy]\nset = "{policy}"'))
        settings = read_settings(estate.settings)
        files = read_configured(estate, settings)
        snapshot = compose(settings, (), {}, files.law(1_795_000_000.0), files.endpoints, version=0, now_unix=0.0)
        return hosts_of(settings, snapshot, sealed=sealed, now_unix=1_795_000_000.0)

    return of


def test_a_default_estate_contacts_nobody(listed: Any) -> None:
    assert listed("") == []


def test_a_provider_is_listed_with_the_services_that_use_it_and_what_may_go_there(listed: Any) -> None:
    near = next(host for host in listed(PROVIDERS, "eu-only") if host["provider"] == "paris")
    assert (near["host"], near["port"], near["for"]) == ("api.paris.example.org", 443, "calls")
    assert near["services"] == [
        {"name": "desk", "targets": ["near"], "data_classes": ["personal"]},
        {"name": "site", "targets": ["near"], "data_classes": ["public", "internal", "personal"]},
    ]
    assert (near["allowed"], near["encrypted"], near["source"]) == (True, True, "[provider.paris]")
    assert near["why"] == "service desk: near; service site: near"


def test_one_that_no_rule_permits_is_listed_as_forbidden_and_one_that_no_service_uses_is_not(listed: Any) -> None:
    hosts = {host["provider"]: host["allowed"] for host in listed(PROVIDERS, "eu-only")}
    assert hosts == {"paris": True, "austin": False}


def test_a_grant_is_listed_beside_the_calls_with_the_operators_words(listed: Any) -> None:
    hosts = listed(PROVIDERS + GRANT)
    assert [(host["host"], host["port"]) for host in hosts[2:]] == [("10.0.0.7", 3141), ("mirror.example.org", 443)]
    assert {host["why"] for host in hosts[2:]} == {"our own mirror"}
    assert all(host["for"] == "import" and host["grant"] == "mirror" and host["allow_private"] for host in hosts[2:])


def test_in_a_sealed_estate_nothing_of_it_is_allowed(listed: Any) -> None:
    assert [(host["allowed"], host["sealed"]) for host in listed(GRANT, sealed=True)] == [(False, True)] * 2


async def test_the_list_is_an_operation(operations: Operations, steps: Steps) -> None:
    await operations.start()
    assert await operations.list_hosts(Nothing(), steps.asker()) == {"hosts": []}


class Fetched(Exception):
    """The fetch got so far."""


def asking(errand: Errand, permitted: list[Allowance]) -> Any:
    """A Fetch that asks for leave, and goes no further."""

    def fetch(wanted: PackageFile, pin: WheelPin | None, delivery: Delivery) -> Any:
        permitted.append(delivery.permit(errand))
        raise Fetched

    return fetch


SOURCE = "pkg:tiny-model==1.0!tiny_model/tiny.gguf"
ERRAND = Errand(contacted=frozenset({Place("index.example.org")}))


def operations_that_fetch(estate: Estate, parts: Parts, permitted: list[Allowance]) -> Operations:
    vault = Vault(estate.vault, fetch=asking(ERRAND, permitted))
    given = {name: getattr(parts, name) for name in parts.__dataclass_fields__} | {"vault": vault}
    return Operations(Parts(**given), read_settings(estate.settings), recorded_within_s=0.05)


async def test_an_import_says_whom_it_contacts_and_records_the_act_first(
    estate: Estate, parts: Parts, steps: Steps, ledger: FakeLedger
) -> None:
    permitted: list[Allowance] = []
    notices: list[str] = []
    asker = steps.asker("op_1")
    asker = type(asker)(id=asker.id, progress=lambda step: notices.append(step.notice))
    with pytest.raises(Fetched):
        await take_in(operations_that_fetch(estate, parts, permitted), ImportModel(source=SOURCE), asker)
    assert permitted == [Allowance(places=ERRAND.places, private=ERRAND.places)]
    assert "This import contacts index.example.org:443." in notices
    (act,) = ledger.acts
    assert act[:3] == ("egress.grant", "import", "op_1")
    assert act[3]["hosts"].startswith("sha256:")


async def test_an_import_that_cannot_be_recorded_contacts_nobody(
    estate: Estate, parts: Parts, steps: Steps, ledger: FakeLedger
) -> None:
    permitted: list[Allowance] = []
    ledger.silent = True
    with pytest.raises(LedgerUnavailable):
        await take_in(operations_that_fetch(estate, parts, permitted), ImportModel(source=SOURCE), steps.asker())
    assert permitted == []


async def test_a_standing_grant_needs_no_act(estate: Estate, parts: Parts, steps: Steps, ledger: FakeLedger) -> None:
    permitted: list[Allowance] = []
    with estate.settings.open("a", encoding="utf-8") as settings:
        settings.write(GRANT)
    with pytest.raises(Fetched):
        await take_in(operations_that_fetch(estate, parts, permitted), ImportModel(source=SOURCE), steps.asker())
    granted = frozenset({Place("mirror.example.org"), Place("10.0.0.7", 3141)})
    assert permitted == [Allowance(places=granted, private=granted)]
    assert ledger.acts == []
