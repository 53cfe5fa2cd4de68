# SPDX-License-Identifier: Apache-2.0
"""Who may call: keys that are good, that are not, that are limited, and what the record says of each."""

import json
import re
from typing import Any

import pytest
from anthropic import AuthenticationError as AnthropicAuthenticationError
from openai import AuthenticationError, PermissionDeniedError, RateLimitError
from tests.system import clients, records
from tests.system.estates import Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, COMPLETIONS, FIM, MESSAGES, RESPONSES, ask, asking, chat, post

ENDPOINTS = [CHAT, COMPLETIONS, RESPONSES, MESSAGES, f"{MESSAGES}/count_tokens", FIM]
_PROMPT = {"model": "default", "prompt": "hi"}
OTHER = '\n[service.other]\ntargets = ["local"]\n'


@pytest.fixture(scope="module")
def house(module_estate: Estate) -> Estate:
    """An estate with a second service."""
    settings = module_estate.directory / "freehold.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + OTHER, encoding="utf-8")
    module_estate.run("reload")
    return module_estate


def make_key(estate: Estate, *options: str) -> dict[str, Any]:
    key: dict[str, Any] = estate.ask("key", "create", *options)["key"]
    return key


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("key", ["", "wrong", "fh_" + "A" * 43])
def test_a_key_that_is_missing_or_wrong_is_refused_in_the_callers_dialect(house: Estate, path: str, key: str) -> None:
    answer = post(house, path, chat(), key=key)
    assert answer.status == 401
    assert answer.headers["x-request-id"]
    assert "freehold-receipt" not in answer.headers
    if path.startswith(MESSAGES):
        assert answer.json["type"] == "error"
        assert answer.json["error"]["type"] == "authentication_error"
        assert answer.json["request_id"] == answer.headers["request-id"]
    elif path == FIM:
        assert answer.json["object"] == "error"
        assert answer.json["message"]
    else:
        assert answer.json["error"]["code"] == "invalid_api_key"
        assert answer.json["error"]["message"]


def test_every_wrong_key_gets_the_same_answer(house: Estate) -> None:
    revoked = make_key(house)
    house.run("key", "revoke", revoked["id"])
    answers = [post(house, CHAT, chat(), key=key) for key in ("", "wrong", "fh_" + "B" * 43, revoked["secret"])]
    said = {re.sub(r"call_[0-9a-f]+", "ID", answer.body.decode()) for answer in answers}
    assert len(said) == 1
    assert {answer.status for answer in answers} == {401}


def test_a_key_is_taken_from_either_header(house: Estate) -> None:
    assert post(house, CHAT, chat(), key="", x_api_key=house.key).status == 200
    assert post(house, MESSAGES, chat(), key="", x_api_key=house.key).status == 200
    assert post(house, MESSAGES, chat()).status == 200


def test_the_sdks_raise_their_own_errors_for_a_wrong_key(house: Estate) -> None:
    with clients.openai(house, key="wrong") as openai, pytest.raises(AuthenticationError) as caught:
        openai.models.list()
    assert caught.value.code == "invalid_api_key"
    with clients.anthropic(house, key="wrong") as anthropic, pytest.raises(AnthropicAuthenticationError) as refused:
        anthropic.messages.create(model="claude-x", max_tokens=1, messages=[{"role": "user", "content": "hi"}])
    assert refused.value.request_id


def test_a_revoked_key_is_dead_when_the_command_returns(house: Estate) -> None:
    key = make_key(house, "to be revoked")
    assert post(house, CHAT, chat(), key=key["secret"]).status == 200
    house.run("key", "revoke", key["id"])
    assert post(house, CHAT, chat(), key=key["secret"]).status == 401
    (listed,) = [one for one in house.ask("key", "list")["keys"] if one["id"] == key["id"]]
    assert listed["state"] == "revoked"


def test_a_revoked_key_stays_dead_and_the_others_alive_after_a_restart_of_the_gateway(house: Estate) -> None:
    key = make_key(house)
    house.run("key", "revoke", key["id"])
    gateway = house.process("gateway")
    house.kill(gateway)
    assert wait_for(house.answers, "the gateway is back")
    assert post(house, CHAT, chat(), key=key["secret"]).status == 401


def test_an_expired_key_is_refused(house: Estate) -> None:
    key = make_key(house, "--expires", "1s")
    wait_for(lambda: post(house, CHAT, chat(), key=key["secret"]).status == 401, "the key has expired")


def test_a_key_for_another_service_is_refused_by_policy_and_on_record(house: Estate) -> None:
    key = make_key(house, "--service", "other")
    assert post(house, CHAT, chat(model="other"), key=key["secret"]).status == 200
    answer = post(house, CHAT, chat(model="gpt-4o"), key=key["secret"])
    assert answer.status == 403
    assert answer.json["error"]["code"] == "policy_denied"
    assert answer.headers["freehold-decision"] in answer.body.decode()
    record = records.call(house, answer.headers["x-request-id"])
    assert record.admission["effect"] == "refuse"
    assert record.admission["decision"]["id"] == answer.headers["freehold-decision"]
    assert record.admission["asked"] == "gpt-4o"
    assert record.outcomes == []
    index = int(answer.headers["freehold-receipt"].rpartition("/")[2])
    assert records.entries(house)[index] == record.admission


@pytest.mark.parametrize("path", [CHAT, RESPONSES, COMPLETIONS, MESSAGES, FIM])
def test_a_refusal_is_in_the_callers_dialect(house: Estate, path: str) -> None:
    key = make_key(house, "--service", "other")
    bodies = {RESPONSES: {"model": "default", "input": "hi"}, COMPLETIONS: _PROMPT, FIM: _PROMPT}
    answer = post(house, path, bodies.get(path, chat()), key=key["secret"])
    assert answer.status == 403, answer
    assert "policy_denied" in answer.body.decode()
    assert answer.headers["freehold-decision"] in answer.body.decode()
    if path == MESSAGES:
        assert answer.json["error"]["type"] == "permission_error"
    elif path == FIM:
        assert answer.json["object"] == "error"
    else:
        assert answer.json["error"]["code"] == "policy_denied"


def test_a_refusal_is_the_sdks_own_error(house: Estate) -> None:
    key = make_key(house, "--service", "other")
    with clients.openai(house, key=key["secret"]) as openai, pytest.raises(PermissionDeniedError) as caught:
        openai.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])
    assert caught.value.code == "policy_denied"


def test_a_key_sees_only_the_names_that_it_may_use(house: Estate) -> None:
    key = make_key(house, "--service", "other")
    listed = json.loads(ask(house, "GET", "/v1/models", key=key["secret"]).body)["data"]
    assert [model["id"] for model in listed] == ["other"]
    assert ask(house, "GET", "/v1/models/default", key=key["secret"]).status == 404


def test_a_key_that_has_used_its_rate_is_told_when_to_come_back(house: Estate) -> None:
    key = make_key(house, "--rate", "2/min")
    statuses = [post(house, CHAT, chat(max_tokens=1), key=key["secret"]).status for _ in range(2)]
    refused = post(house, CHAT, chat(), key=key["secret"])
    assert statuses == [200, 200]
    assert refused.status == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert refused.json["error"]["type"] == "rate_limit_error"
    with clients.openai(house, key=key["secret"]) as openai, pytest.raises(RateLimitError):
        openai.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])


def test_calls_without_a_good_key_are_counted_and_not_recorded(house: Estate) -> None:
    since = records.Since(house)
    before = _unauthenticated(house)
    for _ in range(5):
        assert post(house, CHAT, chat(), key="wrong").status == 401
    assert since.calls() == []
    wait_for(lambda: _unauthenticated(house) == before + 5, "the five are counted")


def test_a_key_is_kept_as_a_hash_and_its_secret_is_in_no_file(house: Estate) -> None:
    key = make_key(house, "label of a key")
    with asking(house, "POST", CHAT, json.dumps(chat()).encode(), key=key["secret"]) as response:
        response.read()
    secret = key["secret"].encode()
    files = [path for path in house.directory.rglob("*") if path.is_file() and "blobs" not in path.parts]
    assert len(files) > 5
    assert [path for path in files if secret in path.read_bytes()] == []


def _unauthenticated(estate: Estate) -> int:
    return sum(gateway["unauthenticated"] for gateway in estate.status()["gateways"])
