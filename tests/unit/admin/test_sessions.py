# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Mapping

import pytest

from freehold.admin.doors import AdminPort
from freehold.admin.keys import OperatorRecord, digest_of
from freehold.admin.orders import Orders
from freehold.admin.sessions import IDLE_S, WHOLE_S, Sessions
from freehold.admin.state import State
from freehold.errors import ForeignOrigin, InvalidToken, RateLimited

TOKEN = "fho_a-token"
OWN = {"host": "127.0.0.1:8081"}


class Payer:
    """Remembers that it was asked to pay."""

    def __init__(self) -> None:
        self.asked = 0

    def pay_soon(self) -> None:
        self.asked += 1


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(state: State, clock: Clock) -> Sessions:
    state.add_operator(OperatorRecord(id="op_1", label="", token_sha256=digest_of(TOKEN), created_unix=1.0))
    return Sessions(state, Payer(), "http://127.0.0.1:8081", now_s=clock)


async def signed_in(sessions: Sessions) -> Mapping[str, str]:
    """What the browser sends from now on."""
    cookie, _ = await sessions.begin(TOKEN, "127.0.0.1")
    return {"cookie": cookie.partition(";")[0]}


async def test_a_token_is_exchanged_for_a_cookie(sessions: Sessions) -> None:
    cookie, session = await sessions.begin(TOKEN, "127.0.0.1")
    assert cookie.startswith("freehold-8081=")
    assert cookie.partition("; ")[2] == "Path=/; HttpOnly; SameSite=Strict; Max-Age=28800"
    assert TOKEN not in cookie
    assert await sessions.find({"cookie": f"other=1; {cookie.partition(';')[0]}"}) is session


async def test_under_tls_the_cookie_is_for_this_host_and_tls_alone(state: State) -> None:
    state.add_operator(OperatorRecord(id="op_1", label="", token_sha256=digest_of(TOKEN), created_unix=1.0))
    cookie, _ = await Sessions(state, Payer(), "https://192.0.2.7:9443").begin(TOKEN, "192.0.2.9")
    assert cookie.startswith("__Host-freehold-9443=")
    assert "; Path=/; HttpOnly; SameSite=Strict; Secure; " in cookie
    assert "Domain" not in cookie


async def test_signing_in_and_out_are_acts(sessions: Sessions, state: State) -> None:
    headers = await signed_in(sessions)
    taken_back = await sessions.end(headers)
    assert "Max-Age=0" in taken_back
    acts = [(act.kind, act.subject, act.operator) for _, act in Orders(state).owed()]
    assert acts == [("session.begin", "op_1", "op_1"), ("session.end", "op_1", "op_1")]


async def test_a_cookie_is_worth_nothing_after_sign_out(sessions: Sessions) -> None:
    headers = await signed_in(sessions)
    await sessions.end(headers)
    assert await sessions.find(headers) is None


async def test_a_session_ends_at_rest_and_after_a_day_of_work(sessions: Sessions, clock: Clock) -> None:
    headers = await signed_in(sessions)
    clock.now_s += IDLE_S
    assert await sessions.find(headers) is not None
    clock.now_s += IDLE_S + 1
    assert await sessions.find(headers) is None
    headers, begun_s = await signed_in(sessions), clock.now_s
    while clock.now_s + IDLE_S <= begun_s + WHOLE_S:
        clock.now_s += IDLE_S
        assert await sessions.find(headers) is not None
    clock.now_s += 1
    assert await sessions.find(headers) is None


async def test_what_pages_ask_by_themselves_keeps_no_session_alive(sessions: Sessions, clock: Clock) -> None:
    headers = {**await signed_in(sessions), "x-freehold-background": "1"}
    clock.now_s += IDLE_S
    assert await sessions.find(headers) is not None
    clock.now_s += 1
    assert await sessions.find(headers) is None


async def test_revoking_an_operator_ends_the_sessions_at_once(sessions: Sessions, state: State) -> None:
    headers = await signed_in(sessions)
    state.revoke_operator("op_1", 2.0)
    assert await sessions.find(headers) is None


@pytest.mark.parametrize("cookie", ["", "freehold-8081=", "freehold-8081=x", "freehold-8081", "=;;=", "a\x00=b", "é=é"])
async def test_a_cookie_that_is_none_finds_nobody(sessions: Sessions, cookie: str) -> None:
    await signed_in(sessions)
    assert await sessions.find({"cookie": cookie}) is None


async def test_what_other_ports_of_the_host_have_set_does_no_harm(sessions: Sessions) -> None:
    headers = await signed_in(sessions)
    assert await sessions.find({"cookie": f'odd={{"a": 1, é}}; ; x; {headers["cookie"]}'}) is not None


async def test_failing_too_often_is_refused_even_with_the_right_token(sessions: Sessions) -> None:
    for _ in range(5):
        with pytest.raises(InvalidToken):
            await sessions.begin("fho_wrong", "192.0.2.1")
    with pytest.raises(RateLimited):
        await sessions.begin(TOKEN, "192.0.2.1")
    await sessions.begin(TOKEN, "192.0.2.2")


async def test_many_who_guess_at_once_are_counted_one_by_one(sessions: Sessions) -> None:
    found = await asyncio.gather(*(sessions.begin("fho_wrong", "192.0.2.1") for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(one, InvalidToken) for one in found) == 5
    assert sum(isinstance(one, RateLimited) for one in found) == 45


async def test_so_many_sessions_and_no_more(sessions: Sessions) -> None:
    first = await signed_in(sessions)
    for _ in range(256):
        await signed_in(sessions)
    assert await sessions.find(first) is None


async def test_by_a_session_one_reads_with_the_cookie_and_acts_with_the_pages_token(
    sessions: Sessions, state: State
) -> None:
    port = AdminPort(state, host="127.0.0.1", sessions=sessions)
    cookie, session = await sessions.begin(TOKEN, "127.0.0.1")
    headers = {**OWN, "cookie": cookie.partition(";")[0]}
    assert await port.admit(headers, method="GET", open_to_all=False) == "op_1"
    for shown in ({}, {"x-freehold-csrf": ""}, {"x-freehold-csrf": "é"}, {"x-freehold-csrf": "x" + session.csrf}):
        with pytest.raises(ForeignOrigin, match="needs the token"):
            await port.admit({**headers, **shown}, method="POST", open_to_all=False)
    shown = {"x-freehold-csrf": session.csrf}
    assert await port.admit({**headers, **shown}, method="POST", open_to_all=False) == "op_1"
    with pytest.raises(ForeignOrigin):
        await port.admit({**headers, **shown, "origin": "http://evil.example"}, method="POST", open_to_all=False)


async def test_a_wrong_token_is_not_made_good_by_a_cookie(sessions: Sessions, state: State) -> None:
    port = AdminPort(state, host="127.0.0.1", sessions=sessions)
    headers = {**OWN, **await signed_in(sessions), "authorization": "Bearer fho_wrong"}
    with pytest.raises(InvalidToken):
        await port.admit(headers, method="GET", open_to_all=False)
