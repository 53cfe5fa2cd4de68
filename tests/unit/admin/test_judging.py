# SPDX-License-Identifier: Apache-2.0
from pathlib import Path
from typing import Any

import pytest
from tests import ledger_builder
from tests.unit.admin.conftest import FakeLedger
from tests.unit.admin.record.conftest import admitted

from freehold.admin.api import Api
from freehold.admin.operations import Operations
from freehold.contract.estate import Estate
from freehold.errors import ClaimInvalid, InvalidRequest, NotFound

CLAIM = "no personal data under authority US"


@pytest.fixture
async def api(operations: Operations) -> Api:
    await operations.start()
    return Api(operations)


async def post(api: Api, path: str, **fields: Any) -> Any:
    return await api.ask("POST", f"policy/{path}", fields, "local")


async def test_a_call_that_is_made_up_is_explained(api: Api) -> None:
    told = (await post(api, "explain", data_class="personal"))["explanation"]
    assert told["call"] == {"service": "default", "data_class": "personal", "key": "any"}
    (local,) = told["backends"]
    assert (local["backend"], local["allowed"], bool(local["because"])) == ("local", True, True)


async def test_a_provider_that_nobody_configured_is_explained_too(api: Api) -> None:
    told = (await post(api, "explain", backends=["provider:openai"]))["explanation"]
    assert [(one["backend"], one["allowed"]) for one in told["backends"]] == [("provider:openai", False)]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"service": "desk"}, "there is no service 'desk'"),
        ({"key": "key_0"}, "there is no API key 'key_0'"),
        ({"backends": ["near"]}, "there is no target 'near'"),
        ({"backends": ["provider:nobody"]}, "there is no provider 'nobody'"),
        ({"decision": "dec_0"}, "no decision 'dec_0' is on record"),
    ],
)
async def test_what_is_not_there_cannot_be_explained(
    api: Api, estate: Estate, fields: dict[str, object], said: str
) -> None:
    ledger_builder.write_log(estate.directory, [])
    with pytest.raises(NotFound, match=said):
        await post(api, "explain", **fields)


async def test_a_decision_of_the_past_is_told_with_what_decided_it(
    api: Api, estate: Estate, ledger: FakeLedger
) -> None:
    ledger_builder.write_log(estate.directory, [admitted(0)])
    ledger.acts.append(("x", "y", "z", {}))  # as many entries as the log has
    told = (await post(api, "explain", decision="dec_0"))["decision"]
    assert (told["entry"], told["admission"]["call"], told["same_policy"]) == (0, "call_0", False)
    with pytest.raises(InvalidRequest, match="either a decision or a call"):
        await post(api, "explain", decision="dec_0", service="default")


async def test_a_claim_is_proved(api: Api) -> None:
    (proved,) = (await post(api, "prove", claims=[CLAIM]))["claims"]
    assert (proved["claim"], proved["answer"], proved["counterexample"]) == (CLAIM, "proved", None)


async def test_a_claim_that_is_broken_comes_with_what_breaks_it(api: Api, estate: Estate) -> None:
    estate.settings.write_text(estate.settings.read_text().replace("[policy]", '[policy]\nset = "open"'))
    await api.ask("POST", "reload", {}, "local")
    (broken,) = (await post(api, "prove", claims=["no public data under authority US"]))["claims"]
    assert (broken["answer"], broken["counterexample"]["owned"]) == ("broken", False)


async def test_what_a_claim_means_is_told_without_a_proof(api: Api) -> None:
    (told,) = (await post(api, "prove", claims=[CLAIM], meaning=True))["claims"]
    assert (told["answer"], bool(told["words"]), bool(told["cedar"])) == (None, True, True)


async def test_a_claim_that_cannot_be_read_says_where(api: Api) -> None:
    with pytest.raises(ClaimInvalid):
        await post(api, "prove", claims=["no thing at all"])


async def test_the_estates_own_claims_are_proved_where_none_is_given(api: Api, estate: Estate) -> None:
    estate.policies.mkdir()
    (estate.policies / "claims.txt").write_text(f"{CLAIM}\n")
    (told,) = (await post(api, "prove"))["claims"]
    assert told["place"] == "policies/claims.txt:1"


async def test_files_that_say_something_else_are_told_and_put_nothing_in_force(api: Api, estate: Estate) -> None:
    before = (await post(api, "check"))["policy"]
    assert (before["in_force"], before["pending"], before["problem"]) == (True, False, None)
    estate.policies.mkdir()
    own: Path = estate.policies / "own.cedar"
    own.write_text(
        '@id("mine")\n@says("Mine.")\nforbid (principal, action, resource) when { context.data_class > 2 };\n'
    )
    after = (await post(api, "check"))["policy"]
    assert (after["pending"], after["policy_digest"]) == (True, before["policy_digest"])
    own.write_text("nonsense")
    broken = (await post(api, "check"))["policy"]
    assert (broken["pending"], broken["problem"]["code"]) == (True, "policy_invalid")
