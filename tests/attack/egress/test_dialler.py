# SPDX-License-Identifier: Apache-2.0
"""Ways to have an estate dial what it must not. Each is refused before a byte is sent, and most before a connection."""

from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web
from tests.provider_builder import ALLOWED, TARGET, endpoint, looking_up, never_look_up, serving

from freehold.contract.estate import Estate
from freehold.egress.dialler import Dialler
from freehold.egress.interface import Leave
from freehold.errors import ProviderUnavailable

LEAVE = Leave(decision=ALLOWED, target=TARGET)


async def hello(request: web.Request) -> web.Response:
    return web.Response(text="hello")


async def posted(dialler: Dialler) -> int:
    try:
        with closing(await dialler.post("/x", b"{}", {}, LEAVE)) as response:
            return response.status
    finally:
        dialler.close()


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.0.0.7", "private"),
        ("127.0.0.1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("0.0.0.0", "unspecified"),  # noqa: S104 - what an attacker answers
        ("224.0.0.1", "multicast"),
        ("100.64.0.1", "shared"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.7", "private"),
        ("64:ff9b::a00:7", "private"),
        ("2002:a00:7::", "private"),
        ("fe80::1", "link-local"),
        ("fd00::7", "private"),
    ],
)
async def test_a_host_that_resolves_to_an_address_of_ours_is_not_dialled(
    address: str, kind: str, tmp_path: Path
) -> None:
    at = endpoint("https://llm.example.fr/v1", allow_private=False)
    with pytest.raises(ProviderUnavailable, match=f"resolves to a {kind} address") as refused:
        await posted(Dialler(at, Estate(tmp_path), lookup=looking_up([address])))
    assert address not in refused.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.7"])
async def test_an_address_as_host_is_checked_too(host: str, tmp_path: Path) -> None:
    at = endpoint(f"https://{host}:9/v1", allow_private=False)
    with pytest.raises(ProviderUnavailable, match=r"lies at a (loopback|private) address"):
        await posted(Dialler(at, Estate(tmp_path), lookup=never_look_up))


async def test_one_address_of_ours_among_others_is_enough(tmp_path: Path) -> None:
    at = endpoint("https://llm.example.fr/v1", allow_private=False)
    with pytest.raises(ProviderUnavailable, match="resolves to a loopback address"):
        await posted(Dialler(at, Estate(tmp_path), lookup=looking_up(["8.8.8.8", "127.0.0.1"])))


async def test_a_name_that_changes_between_look_ups_is_checked_each_time_and_looked_up_once_for_each(
    tmp_path: Path,
) -> None:
    """A second look-up behind the check's back would find the server; the check finds it instead."""
    async with serving(hello) as there:
        at = endpoint(there.url(host="llm.example.fr"), allow_private=True)
        dialler = Dialler(at, Estate(tmp_path), lookup=looking_up(["127.0.0.1"], ["8.8.8.8"]))
        assert await posted(dialler) == 200
        with pytest.raises(ProviderUnavailable, match="plain text over a public network"):
            await posted(dialler)
    assert len(there.asked) == 1


async def test_a_name_that_turns_private_is_not_followed_there(tmp_path: Path) -> None:
    async with serving(hello) as there:
        at = endpoint(there.url(host="llm.example.fr", scheme="https"), allow_private=False)
        lookup = looking_up(["127.0.0.1"], ["127.0.0.1"])
        for _ in range(2):
            with pytest.raises(ProviderUnavailable, match="resolves to a loopback address"):
                await posted(Dialler(at, Estate(tmp_path), lookup=lookup))
    assert not there.connections


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": f"http://127.0.0.1:{request.url.port}/stolen"})

    async with serving(elsewhere) as there:
        assert await posted(Dialler(endpoint(there.url()), Estate(tmp_path))) == 307
    assert [request.path for request in there.asked] == ["/v1/x"]


async def test_plain_text_does_not_leave_our_own_network(tmp_path: Path) -> None:
    at = endpoint("http://llm.example.fr/v1", allow_private=True)
    with pytest.raises(ProviderUnavailable, match="plain text over a public network"):
        await posted(Dialler(at, Estate(tmp_path), lookup=looking_up(["8.8.8.8"])))
