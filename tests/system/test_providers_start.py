# SPDX-License-Identifier: Apache-2.0
"""Providers that an estate does not start with, and a reload does not take: what is unknown is never dialled."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.simulator.server import Simulator
from tests.system import foreign, processes
from tests.system.estates import Estate
from tests.system.simulated import ASK
from tests.system.wire import CHAT, post

WRONG = {
    "host-not-in-the-facts": (replace(foreign.OPENAI, known_host="llm.example.fr"), ("127.0.0.1", "llm.example.fr")),
    "private-without-leave": (replace(foreign.OPENAI, allow_private=False), ("allow_private",)),
    "localhost-without-leave": (replace(foreign.OPENAI, host="localhost", allow_private=False), ("allow_private",)),
    "plain-http-to-a-name": (replace(foreign.OPENAI, host="llm.example.fr", allow_private=False), ("http",)),
    "plain-http-to-the-world": (replace(foreign.OPENAI, host="1.1.1.1"), ("http",)),
    "credentials-in-the-url": (
        replace(foreign.OPENAI, host="ada:word@127.0.0.1", known_host="127.0.0.1"),
        ("base_url",),
    ),
    "a-secret-in-the-settings": (replace(foreign.OPENAI, key="sk-1234567890abcdef"), ("key",)),
    "no-such-dialect": (replace(foreign.OPENAI, settings=('dialect = "gemini"',)), ("dialect",)),
    "unknown-setting": (replace(foreign.OPENAI, settings=("colour = 3",)), ("colour",)),
    "no-such-file-of-facts": (replace(foreign.OPENAI, settings=('facts = "facts/none.yaml"',)), ("facts/none.yaml",)),
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Estate]:
    own = Estate(tmp_path / "estate")
    try:
        yield own
    finally:
        own.destroy()


@pytest.fixture(scope="module")
def unfounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Estate, str]]:
    """An estate that never starts, and its settings without a provider."""
    own = Estate(tmp_path_factory.mktemp("unfounded") / "estate")
    try:
        own.run("init")
        yield own, (own.files / "freehold.toml").read_text(encoding="utf-8")
    finally:
        own.destroy()


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_provider_stops_the_start_and_is_named(
    unfounded: tuple[Estate, str], simulator: Simulator, wrong: str
) -> None:
    (house, settings), (provider, mentions) = unfounded, WRONG[wrong]
    (house.files / "freehold.toml").write_text(settings, encoding="utf-8")
    foreign.tell(house, simulator, provider)
    foreign.serve(house, "openai", "openai")
    done = house.attempt_up()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for mention in (*mentions, "line "):
        assert mention in done.stderr
    assert not processes.of_estate(house.directory)
    assert simulator.record.counts.connections == 0


def test_a_provider_that_no_facts_know_stops_the_start(house: Estate, simulator: Simulator) -> None:
    foreign.found(house, simulator, foreign.COMPATIBLE)
    foreign.serve(house, "compatible", "compatible")
    (house.files / "facts" / "simulated.yaml").unlink()
    done = house.attempt_up()
    assert done.returncode == 1
    assert "compatible" in done.stderr
    assert "facts" in done.stderr


def test_a_reload_with_a_wrong_provider_is_refused_and_the_old_one_goes_on(house: Estate, simulator: Simulator) -> None:
    foreign.found(house, simulator, foreign.OPENAI)
    foreign.serve(house, "openai", "openai")
    house.up()
    settings = house.files / "freehold.toml"
    good = settings.read_text(encoding="utf-8")
    settings.write_text(good.replace("allow_private = true", "allow_private = false"), encoding="utf-8")
    done = house.attempt("reload")
    assert done.returncode == 1
    assert "allow_private" in done.stderr
    assert post(house, CHAT, {"model": "openai", "messages": ASK}).status == 200
    settings.write_text(good.replace("/openai/v1", "/compatible/v1"), encoding="utf-8")
    house.run("reload")
    assert post(house, CHAT, {"model": "openai", "messages": ASK}).status == 200
    assert simulator.requests[-1].path.startswith("/compatible/")


def test_a_public_name_that_leads_to_a_private_address_is_not_dialled(house: Estate, simulator: Simulator) -> None:
    """The machine's own name is one that resolves, and to no public address."""
    name = socket.gethostname().lower()
    try:
        socket.getaddrinfo(name, simulator.port)
    except OSError:
        pytest.skip(f"{name} does not resolve")
    provider = replace(foreign.OPENAI, host=name, allow_private=False)
    foreign.found(house, simulator, provider)
    foreign.serve(house, "openai", "openai")
    settings = house.files / "freehold.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("http://", "https://"), encoding="utf-8")
    house.up()
    answer = post(house, CHAT, {"model": "openai", "messages": ASK})
    assert answer.status == 503
    assert answer.json["error"]["code"] == "provider_unavailable"
    assert simulator.record.counts.connections == 0
