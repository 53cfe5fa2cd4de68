# SPDX-License-Identifier: Apache-2.0
import pytest

from freehold.admin.doors import AdminPort, ControlSocket
from freehold.admin.keys import OperatorRecord, digest_of
from freehold.admin.state import State
from freehold.errors import ForeignOrigin, InvalidToken

TOKEN = "fho_a-token"
OWN = {"host": "127.0.0.1:8081"}


@pytest.fixture
def port(state: State) -> AdminPort:
    state.add_operator(OperatorRecord(id="op_1", label="", token_sha256=digest_of(TOKEN), created_unix=1.0))
    state.add_operator(
        OperatorRecord(id="op_2", label="", token_sha256=digest_of("fho_old"), created_unix=1.0, revoked_unix=2.0)
    )
    return AdminPort(state, host="127.0.0.1")


async def test_whoever_holds_the_socket_is_the_owner() -> None:
    assert await ControlSocket().admit({}, method="GET", open_to_all=False) == "local"


async def test_a_token_admits_its_operator(port: AdminPort) -> None:
    assert await port.admit({**OWN, "authorization": f"Bearer {TOKEN}"}, method="GET", open_to_all=False) == "op_1"


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer fho_wrong", "Bearer fho_old", f"Basic {TOKEN}", TOKEN, "Bearer \udcff"],
)
async def test_anything_else_gets_one_answer(port: AdminPort, authorization: str) -> None:
    with pytest.raises(InvalidToken, match="the operator token is missing or not valid"):
        await port.admit({**OWN, "authorization": authorization}, method="GET", open_to_all=False)


async def test_health_needs_no_token(port: AdminPort) -> None:
    assert await port.admit(OWN, method="GET", open_to_all=True) == ""


@pytest.mark.parametrize("host", ["localhost", "localhost:8081", "127.0.0.1:9", "[::1]:8081", "LOCALHOST:1"])
async def test_loopback_names_are_own(port: AdminPort, host: str) -> None:
    assert await port.admit({"host": host}, method="GET", open_to_all=True) == ""


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "attacker.example"},
        {"host": "attacker.example:8081"},
        {"host": "127.0.0.1.attacker.example:8081"},
        {"host": "10.0.0.1:8081"},
        {"host": "user@127.0.0.1"},
        {**OWN, "origin": "https://attacker.example"},
        {**OWN, "origin": "null"},
        {**OWN, "origin": "http://127.0.0.1:3000"},
        {**OWN, "sec-fetch-site": "cross-site"},
        {**OWN, "sec-fetch-site": "same-site"},
    ],
)
async def test_a_page_of_somebody_else_is_refused_even_with_a_token(port: AdminPort, headers: dict[str, str]) -> None:
    with pytest.raises(ForeignOrigin):
        await port.admit({**headers, "authorization": f"Bearer {TOKEN}"}, method="GET", open_to_all=False)


async def test_its_own_pages_are_answered(port: AdminPort) -> None:
    headers = {**OWN, "origin": "http://127.0.0.1:8081", "sec-fetch-site": "same-origin"}
    assert await port.admit({**headers, "authorization": f"Bearer {TOKEN}"}, method="GET", open_to_all=False) == "op_1"


async def test_a_port_on_every_address_is_asked_by_any_address_and_no_strange_name(state: State) -> None:
    port = AdminPort(state, host="0.0.0.0")  # noqa: S104 - asked, not bound
    assert await port.admit({"host": "192.0.2.7:8081"}, method="GET", open_to_all=True) == ""
    with pytest.raises(ForeignOrigin):
        await port.admit({"host": "attacker.example"}, method="GET", open_to_all=True)


async def test_whoever_shows_a_token_on_the_socket_acts_as_its_operator(state: State, port: AdminPort) -> None:
    socket = ControlSocket(state)
    assert await socket.admit({}, method="GET", open_to_all=False) == "local"
    assert await socket.admit({"authorization": f"Bearer {TOKEN}"}, method="GET", open_to_all=False) == "op_1"
    with pytest.raises(InvalidToken, match="missing or not valid"):
        await socket.admit({"authorization": "Bearer fho_old"}, method="GET", open_to_all=False)
