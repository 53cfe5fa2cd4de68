# SPDX-License-Identifier: Apache-2.0
"""The table of routes as it is asked within the process, and what holds for every route."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests import ledger_builder
from tests.unit.admin.conftest import FakeLedger
from tests.unit.admin.record.conftest import acted

from freehold.admin.api import Api, find
from freehold.admin.operations import Operations
from freehold.admin.requests import Page
from freehold.admin.routes import ROOT, ROUTES
from freehold.contract.estate import Estate
from freehold.errors import Conflict, InvalidRequest, MethodNotAllowed, NotFound, UnknownEndpoint


@pytest.fixture
async def api(operations: Operations) -> Api:
    await operations.start()
    return Api(operations)


async def made_key(api: Api, **wishes: object) -> Any:
    return (await api.ask("POST", "keys", wishes, "op_1"))["key"]


async def test_it_answers_what_the_port_answers(api: Api) -> None:
    key = await made_key(api, label="x")
    shown = await api.ask("GET", f"keys/{key['id']}", {}, "op_1")
    assert shown["key"]["services"] == ["*"]
    assert (await api.ask("GET", "keys", {}, "op_1"))["keys"] == [shown["key"]]


async def test_who_asks_is_who_is_on_record(api: Api, ledger: FakeLedger) -> None:
    await made_key(api)
    assert ledger.acts[-1][2] == "op_1"


async def test_an_error_is_raised_as_what_it_is(api: Api) -> None:
    with pytest.raises(NotFound, match="no API key 'key_0'"):
        await api.ask("GET", "keys/key_0", {}, "op_1")
    with pytest.raises(UnknownEndpoint):
        await api.ask("GET", "nothing", {}, "op_1")
    with pytest.raises(MethodNotAllowed, match="takes GET, POST"):
        await api.ask("PUT", "keys", {}, "op_1")


@pytest.mark.parametrize(
    ("path", "fields", "what"),
    [
        ("keys", {"limits": "5"}, "unknown field 'limits'"),
        ("keys", {"limit": "many"}, "limit: Expected 'int'"),
        ("keys", {"limit": "1001"}, "limit: Expected 'int' <= 1000"),
        ("ledger/entries/x", {}, "index: Expected 'int'"),
        ("flows", {"from": "yesterday"}, "from: Invalid RFC3339"),
        ("flows", {"from": "2026-11-22T00:00:00"}, "from: Expected 'datetime' with a timezone"),
    ],
)
async def test_what_is_asked_is_typed(api: Api, path: str, fields: dict[str, object], what: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await api.ask("GET", path, fields, "op_1")
    assert what in caught.value.message


async def test_a_field_with_several_values_may_have_one(api: Api) -> None:
    one = await api.ask("GET", "policy/matrix", {"providers": "mistral"}, "op_1")
    two = await api.ask("GET", "policy/matrix", {"providers": ["mistral", "openai"]}, "op_1")
    assert len(two["matrix"]["cells"]) == len(one["matrix"]["cells"]) * 3 // 2


async def test_a_long_list_comes_in_pages(api: Api) -> None:
    made = [(await made_key(api))["id"] for _ in range(5)]
    seen, cursor = list[str](), ""
    for rows in (2, 2, 1):
        page = await api.ask("GET", "keys", {"limit": 2, "cursor": cursor}, "op_1")
        seen += [row["id"] for row in page["keys"]]
        assert len(page["keys"]) == rows
        cursor = page["next"] or ""
    assert sorted(seen) == sorted(made)
    assert not cursor


async def test_a_row_that_is_gone_ends_a_list_with_a_word(api: Api) -> None:
    with pytest.raises(InvalidRequest, match="the list has changed"):
        await api.ask("GET", "keys", {"cursor": "key_gone"}, "op_1")


async def test_a_file_is_given_with_its_name(api: Api, estate: Estate) -> None:
    ledger_builder.write_log(estate.directory, [acted()])
    file = (await api.ask("GET", "ledger/files/checkpoint", {}, "op_1"))["file"]
    assert (file["name"], file["media_type"]) == ("checkpoint", "text/plain; charset=utf-8")
    assert file["content"]


async def test_progress_is_told_as_json(api: Api, gguf: Callable[[], Path]) -> None:
    steps: list[Any] = []
    answer = await api.ask("POST", "models", {"source": str(gguf()), "name": "tiny"}, "op_1", tell=steps.append)
    assert answer["model"]["name"] == "tiny"
    assert {step["doing"] for step in steps} == {"importing"}


# two operators at once


async def test_what_was_shown_may_be_decided_about(api: Api) -> None:
    key = await made_key(api)
    revoked = await api.ask("POST", f"keys/{key['id']}/revoke", {}, "op_1", if_match=key["etag"])
    assert revoked["key"]["state"] == "revoked"


async def test_the_second_of_two_operators_sees_a_conflict(api: Api, estate: Estate, ledger: FakeLedger) -> None:
    key = await made_key(api)
    await api.ask("POST", f"keys/{key['id']}/revoke", {}, "op_1", if_match=key["etag"])
    ledger_builder.write_log(estate.directory, [acted("key.revoke", key["id"])])
    acts = len(ledger.acts)
    with pytest.raises(
        Conflict, match=f"{key['id']} is not any more as it was shown; key.revoke by op_1 at "
    ) as caught:
        await api.ask("POST", f"keys/{key['id']}/revoke", {}, "op_2", if_match=key["etag"])
    assert caught.value.changed == {"act": "key.revoke", "by": "op_1", "at": "2026-11-22T14:38:00.123456Z"}
    assert caught.value.etag != key["etag"]
    assert len(ledger.acts) == acts


async def test_of_two_at_the_same_moment_one_decides(api: Api, ledger: FakeLedger) -> None:
    target = (await api.ask("GET", "targets/local", {}, "op_1"))["target"]
    answers = await asyncio.gather(
        *(
            api.ask("POST", "targets/local/withdraw", {"reason": who}, who, if_match=target["etag"])
            for who in ("op_1", "op_2")
        ),
        return_exceptions=True,
    )
    assert [isinstance(answer, Conflict) for answer in answers] == [False, True]
    assert [act for act in ledger.acts if act[0] == "target.withdraw"] == [ledger.acts[-1]]
    shown = (await api.ask("GET", "targets/local", {}, "op_1"))["target"]
    assert shown["decided_by"] == "op_1"


async def test_a_directive_is_issued_on_what_was_previewed_or_not_at_all(api: Api) -> None:
    wish = {"kind": "model", "name": "*", "reason": "an order", "source": "https://example.org/1"}
    preview = await api.ask("POST", "directives/preview", wish, "op_1")
    assert preview == await api.ask("POST", "directives", {**wish, "dry_run": True}, "op_1") | {
        "directive": preview["directive"]
    }
    await api.ask("POST", "directives", wish, "op_1", if_match=preview["etag"])
    with pytest.raises(Conflict, match="what this would do is not any more as it was shown"):
        await api.ask("POST", "directives", wish, "op_2", if_match=preview["etag"])
    assert len((await api.ask("GET", "directives", {}, "op_1"))["directives"]) == 1


async def test_a_target_is_decided_about_after_a_look(api: Api) -> None:
    look = await api.ask("POST", "targets/local/withdraw", {"reason": "x", "dry_run": True}, "op_1")
    assert look["preview"]["services"][0] | {"aliases": []} == {
        "service": "default",
        "aliases": [],
        "loses": ["local"],
        "left": [],
        "forbidden": [],
        "stops": True,
    }
    assert look["target"]["state"] == "active"
    await api.ask("POST", "targets/local/withdraw", {"reason": "x"}, "op_1", if_match=look["etag"])
    with pytest.raises(Conflict):
        await api.ask("POST", "targets/local/restore", {}, "op_2", if_match=look["etag"])
    back = await api.ask("POST", "targets/local/restore", {"dry_run": True}, "op_1")
    assert back["preview"]["services"][0]["left"] == ["local"]
    restored = await api.ask("POST", "targets/local/restore", {}, "op_1", if_match=back["etag"])
    assert restored["target"]["state"] == "active"


async def test_anything_there_is_can_be_meant(api: Api) -> None:
    key = await made_key(api)
    with pytest.raises(NotFound):
        await api.ask("POST", "keys/key_0/revoke", {}, "op_1", if_match="*")
    await api.ask("POST", f"keys/{key['id']}/revoke", {}, "op_1", if_match="*")


@pytest.mark.parametrize("header", ["nonsense", '"a" "b"', 'W/"a'])
async def test_a_tag_that_is_none_is_refused(api: Api, header: str) -> None:
    key = await made_key(api)
    with pytest.raises(InvalidRequest, match="not in double quotes"):
        await api.ask("POST", f"keys/{key['id']}/revoke", {}, "op_1", if_match=header)


async def test_a_weak_tag_matches_nothing(api: Api) -> None:
    key = await made_key(api)
    with pytest.raises(Conflict):
        await api.ask("POST", f"keys/{key['id']}/revoke", {}, "op_1", if_match=f"W/{key['etag']}")


async def test_what_compares_nothing_says_so(api: Api) -> None:
    with pytest.raises(InvalidRequest, match="compares nothing"):
        await api.ask("POST", "reload", {}, "op_1", if_match='"a"')


# what holds for every route


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_path_leads_to_its_route(route: Any) -> None:
    parts = [
        "x/y" if part.endswith("...}") else "x" if part.startswith("{") else part for part in route.path.split("/")
    ]
    assert find(route.method, ROOT + "/".join(parts)).route is route


@pytest.mark.parametrize("route", [route for route in ROUTES if route.pages], ids=lambda route: route.path)
def test_every_list_that_has_pages_is_bounded(route: Any) -> None:
    assert issubclass(route.request, Page)
    assert route.pages[0] in {field.name for field in msgspec.structs.fields(route.gives)}
