# SPDX-License-Identifier: Apache-2.0
"""An estate that is up with --sealed: all of it works, and the kernel lets nothing out of any process of it."""

import json
import signal
from collections.abc import Iterator
from http.client import HTTPException

import pytest
from tests.system import clients, processes
from tests.system.conftest import NewEstate
from tests.system.estates import MODEL, Estate
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, chat, post

SECCOMP_FILTER = "2"


@pytest.fixture(scope="module")
def sealed(estate: Estate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A sealed estate that the tests of this file share, each leaving it able to answer."""
    own = Estate(tmp_path_factory.mktemp("sealed") / "estate")
    try:
        own.run("init")
        own.take_vault_of(estate)
        own.up("--sealed")
        yield own
    finally:
        own.destroy()


def test_every_dialect_is_served(sealed: Estate) -> None:
    asked = "Name a colour."
    with clients.openai(sealed) as openai:
        assert openai.responses.create(model="gpt-4o", input=asked, max_output_tokens=16).output_text
        said = openai.chat.completions.create(
            model="gpt-4o", max_tokens=8, stream=True, messages=[{"role": "user", "content": asked}]
        )
        assert list(said)
    with clients.anthropic(sealed) as anthropic:
        message = anthropic.messages.create(
            model="claude-x", max_tokens=8, messages=[{"role": "user", "content": asked}]
        )
        assert message.content
    with clients.mistral(sealed) as mistral:
        answer = mistral.chat.complete(model="mistral-x", max_tokens=8, messages=[{"role": "user", "content": asked}])
        assert answer.choices


def test_every_thread_of_every_process_is_under_a_filter(sealed: Estate) -> None:
    assert post(sealed, CHAT, chat()).status == 200
    pids = processes.of_estate(sealed.directory)
    assert {sealed.process(name) for name in ("warden", "gateway", "control", "ledger")} < pids
    threads = {pid: processes.threads(pid) for pid in pids}
    for name in ("warden", "gateway", "control", "ledger"):
        assert threads[sealed.process(name)]
    for thread in (thread for of_one in threads.values() for thread in of_one):
        assert (thread["Seccomp"], thread["NoNewPrivs"]) == (SECCOMP_FILTER, "1")


def test_the_check_finds_no_way_out_of_any_process(sealed: Estate) -> None:
    assert post(sealed, CHAT, chat()).status == 200  # so that there are connections to look at
    answer = sealed.ask("egress", "check")
    assert answer["sealed"] is True
    rows = answer["checks"]
    names = {"supervisor", "gateway", "control", "ledger", "engine local"}
    assert {row["process"] for row in rows} == names
    assert {row["outcome"] for row in rows if row["attempt"] != "descriptors"} == {"refused"}
    assert [row for row in rows if row["verdict"] != "ok"] == []
    for process in names - {"engine local"}:
        attempts = {row["attempt"] for row in rows if row["process"] == process}
        assert {"tcp-ipv4", "tcp-loopback", "udp-ipv4", "dns", "unix-path", "unix-abstract", "io-uring"} < attempts


def test_the_estate_is_administered_as_any_other(sealed: Estate) -> None:
    assert sealed.status()["sealed"] is True
    assert "sealed" in sealed.run("status")
    assert sealed.attempt("doctor").returncode == 0
    key = sealed.ask("key", "create", "another")["key"]
    sealed.run("key", "revoke", key["id"])
    sealed.run("reload")
    sealed.run("ledger", "verify")
    sealed.run("vault", "verify", MODEL)
    assert sealed.attempt("policy", "prove", "no personal data under authority US").returncode == 0


@pytest.mark.parametrize("name", ["engine", "gateway", "ledger", "control"])
def test_a_process_that_is_killed_comes_back_sealed(sealed: Estate, name: str) -> None:
    assert post(sealed, CHAT, chat()).status == 200
    killed = sealed.process(name)
    sealed.kill(killed)
    wait_for(lambda: _answers(sealed), "it answers again")
    back = wait_for(lambda: _another(sealed, name, killed), f"{name} is back")
    assert processes.status_line(back, "Seccomp") == SECCOMP_FILTER


def test_an_import_that_would_fetch_is_refused_before_it_tries(sealed: Estate) -> None:
    done = sealed.attempt("vault", "import", "pkg:freehold-test-nothing==1.0!weights.gguf")
    assert done.returncode == 1
    assert "the estate is sealed" in done.stderr


def test_a_file_that_is_here_is_imported(sealed: Estate) -> None:
    before = {model["name"] for model in sealed.ask("vault", "list")["models"]}
    sealed.run("vault", "import", sealed.blob(), "--name", "the-same")
    assert {model["name"] for model in sealed.ask("vault", "list")["models"]} == before | {"the-same"}


def test_an_engine_that_sleeps_is_woken_by_a_call(sealed: Estate) -> None:
    sealed.down()
    sealed.set("target.local", "sleep_after_s = 1.0")
    sealed.up("--sealed")
    wait_for(lambda: sealed.target()["state"] == "asleep", "the engine sleeps")
    assert post(sealed, CHAT, chat()).status == 200


def test_an_estate_that_is_up_unsealed_does_not_pass_for_sealed(estate: Estate) -> None:
    done = estate.attempt_up("--sealed")
    assert done.returncode == 1
    assert "not sealed" in done.stderr
    answer = json.loads(estate.attempt("egress", "check", "--json").stdout)
    assert answer["sealed"] is False
    assert "open" in {row["verdict"] for row in answer["checks"]}
    assert "fail" not in {row["verdict"] for row in answer["checks"]}


def test_the_end_of_the_warden_is_the_end_of_the_estate(new_estate: NewEstate) -> None:
    house = new_estate()
    house.up("--sealed")
    house.kill(house.process("warden"))
    wait_for(lambda: not processes.of_estate(house.directory), "the estate is down")
    house.up("--sealed")
    assert post(house, CHAT, chat()).status == 200
    house.down()
    wait_for(lambda: not processes.of_estate(house.directory), "all of it has ended")


def test_a_supervisor_that_is_killed_takes_all_with_it(new_estate: NewEstate) -> None:
    house = new_estate()
    house.up("--sealed")
    (supervisor,) = [int((house.directory / "run" / "supervisor.lock").read_text())]
    processes.send(supervisor, signal.SIGKILL)
    wait_for(lambda: not processes.of_estate(house.directory), "nothing is left")


def test_what_a_sealed_estate_would_have_to_fetch_stops_the_start(new_estate: NewEstate) -> None:
    house = new_estate()
    for part in ("blobs", "manifests"):
        for path in sorted((house.files / "vault" / part).rglob("*"), reverse=True):
            if path.is_file():
                path.unlink()
    done = house.attempt_up("--sealed")
    assert done.returncode == 1
    assert "the estate is sealed" in done.stderr
    assert "freehold vault import" in done.stderr
    assert not processes.of_estate(house.directory)


def test_a_service_that_only_a_provider_could_answer_stops_the_start(new_estate: NewEstate) -> None:
    house = new_estate()
    with (house.files / "freehold.toml").open("a", encoding="utf-8") as settings:
        settings.write(
            '\n[service.far]\ntargets = ["cloud"]\n'
            '\n[target.cloud]\nprovider = "mistral"\nmodel = "mistral-small-latest"\n'
            "\n[provider.mistral]\n"
        )
    done = house.attempt_up("--sealed")
    assert done.returncode == 1
    assert "far" in done.stderr
    assert not processes.of_estate(house.directory)


def _answers(estate: Estate) -> bool:
    try:
        return post(estate, CHAT, chat()).status == 200
    except (OSError, HTTPException):
        return False


def _another(estate: Estate, name: str, killed: int) -> int:
    found = [row["pid"] for row in estate.status()["processes"] if row["name"].startswith(name)]
    return found[0] if found and found[0] not in (None, killed) else 0
