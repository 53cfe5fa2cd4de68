# SPDX-License-Identifier: Apache-2.0
"""An estate's life: made, found in place, stopped, asleep and woken."""

import json
import os
import stat
import subprocess
import sys

import pytest
from tests.system import processes, records
from tests.system.estates import FREEHOLD, MODEL, Estate
from tests.system.waiting import LONG_S, wait_for
from tests.system.wire import CHAT, chat, post


@pytest.fixture(scope="module")
def house(module_estate: Estate) -> Estate:
    return module_estate


def test_up_on_an_empty_directory_says_all_that_a_script_needs(estate: Estate) -> None:
    assert estate.first_answer["base_url"] == estate.base_url
    assert estate.first_answer["admin_url"] == f"http://127.0.0.1:{estate.admin_port}"
    assert estate.first_answer["services"] == ["default"]
    assert len(estate.first_answer["api_key"]) > 30


def test_a_second_up_finds_all_in_place_and_does_not_show_the_key_again(house: Estate) -> None:
    before = processes.of_estate(house.directory)
    again = house.up()
    assert "api_key" not in again or not again["api_key"]
    assert again["base_url"] == house.base_url
    assert processes.of_estate(house.directory) == before


def test_the_files_of_the_estate_are_for_its_owner_alone(house: Estate) -> None:
    for name in ("keys", "salts", "state.db", "keys/ledger.key"):
        mode = stat.S_IMODE((house.directory / name).stat().st_mode)
        assert mode & 0o077 == 0, f"{name} has mode {mode:o}"


def test_status_shows_what_was_chosen_for_this_host(house: Estate) -> None:
    target = house.target()
    assert target["model"] == MODEL
    assert target["state"] == "ready"
    assert target["context_tokens"] >= 2048
    assert target["slots"] >= 1
    assert 1 <= target["threads"] <= (os.cpu_count() or 1)
    assert str(house.directory) not in json.dumps(target), "a target shows no path"


def test_the_model_is_named_and_no_path_is_shown_to_callers(house: Estate) -> None:
    answer = post(house, CHAT, chat())
    assert answer.json["model"] == MODEL
    assert b"/" not in answer.body.replace(b"\\/", b"").replace(b"</", b"")


def test_every_command_has_help_that_shows_examples(house: Estate) -> None:
    for command in ("init", "up", "down", "status", "doctor", "chat", "key create", "operator create", "vault import"):
        done = subprocess.run(
            [FREEHOLD, *command.split(), "--help"],
            capture_output=True,
            text=True,
            timeout=LONG_S,
            check=True,
        )
        assert "Examples:" in done.stdout


def test_chat_asks_the_model_from_the_command_line(house: Estate) -> None:
    done = subprocess.run(
        [FREEHOLD, "chat", "--estate", house.directory],
        input="Say hello.\n",
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=True,
    )
    assert done.stdout.strip()


def test_an_operator_may_use_the_admin_port_until_revoked(house: Estate) -> None:
    operator = house.ask("operator", "create", "ada")["operator"]
    assert house.admin("GET", "/admin/v1/status", operator["token"]) == 200
    assert house.admin("GET", "/admin/v1/status", "wrong") == 401
    assert house.admin("GET", "/admin/v1/status", house.key) == 401
    house.run("operator", "revoke", operator["id"])
    assert house.admin("GET", "/admin/v1/status", operator["token"]) == 401


def test_down_stops_all_that_it_started_and_nothing_else(house: Estate) -> None:
    started = processes.of_estate(house.directory)
    assert len(started) >= 5, "supervisor, control, ledger, gateway and engine"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=house.directory) as stranger:
        house.down()
        assert stranger.poll() is None
        assert not any(processes.alive(pid) for pid in started)
        assert house.status()["state"] == "down"
        stranger.communicate(b"\n")
    house.down()  # again, of one that is down, is no error


def test_read_only_commands_work_on_an_estate_that_is_down(house: Estate) -> None:
    assert house.ask("key", "list")["keys"]
    assert house.ask("vault", "list")["models"][0]["name"] == MODEL
    house.run("ledger", "verify")
    assert house.attempt("doctor").returncode == 0


def test_a_key_can_be_revoked_on_an_estate_that_is_down(house: Estate) -> None:
    key = house.ask("key", "create", "made while down")["key"]
    dead = house.ask("key", "create", "dead")["key"]
    house.run("key", "revoke", dead["id"])
    assert not processes.of_estate(house.directory)
    house.up()
    assert post(house, CHAT, chat(), key=key["secret"]).status == 200
    assert post(house, CHAT, chat(), key=dead["secret"]).status == 401


def test_an_engine_that_sleeps_wakes_for_a_call(house: Estate) -> None:
    house.down()
    house.set("target.local", "sleep_after_s = 1.0")
    house.up()
    for stream in (False, True):
        wait_for(lambda: house.target()["state"] == "asleep", "the engine is asleep")
        assert not house.target()["pid"]
        answer = post(house, CHAT, chat(stream=stream))
        assert answer.status == 200
        assert records.call(house, answer.headers["x-request-id"]).ending == "complete"
