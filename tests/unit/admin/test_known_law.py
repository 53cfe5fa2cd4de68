# SPDX-License-Identifier: Apache-2.0
"""What changed of settings, rules and facts while nobody was there to record it is recorded at the next start."""

from tests.unit.admin.conftest import NOW_UNIX, FakeLedger, Steps

from freehold.admin.interface import Parts
from freehold.admin.operations import Operations
from freehold.admin.requests import Nothing
from freehold.contract.estate import Estate
from freehold.settings import read_settings


async def start(estate: Estate, parts: Parts) -> Operations:
    operations = Operations(parts, read_settings(estate.settings), now_unix=lambda: NOW_UNIX)
    await operations.start()
    await operations.withdrawals.pay()
    return operations


async def test_the_first_start_changes_nothing(estate: Estate, parts: Parts, ledger: FakeLedger) -> None:
    await start(estate, parts)
    await start(estate, parts)
    assert ledger.acts == []


async def test_a_rule_that_was_changed_while_the_estate_was_down_is_on_record(
    estate: Estate, parts: Parts, ledger: FakeLedger
) -> None:
    before = await start(estate, parts)
    estate.policies.mkdir(exist_ok=True)
    (estate.policies / "own.cedar").write_text('@id("none")\nforbid (principal, action, resource);\n')
    await start(estate, parts)
    await start(estate, parts)
    ((kind, subject, operator, digests),) = ledger.acts
    assert (kind, subject, operator) == ("policy.change", "policy", "control")
    assert digests.keys() == {"settings", "policy", "facts"}
    assert digests["policy"] != before._law.policy_digest


async def test_what_a_reload_has_put_on_record_is_not_recorded_again(
    estate: Estate, parts: Parts, ledger: FakeLedger, steps: Steps
) -> None:
    operations = await start(estate, parts)
    estate.settings.write_text(estate.settings.read_text() + "\n# a word\n")
    await operations.reload(Nothing(), steps.asker())
    await start(estate, parts)
    assert [kind for kind, *_ in ledger.acts] == ["settings.reload"]
