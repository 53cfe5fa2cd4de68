# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest

from freehold.engine import llamacpp
from freehold.engine.build import server_of
from freehold.engine.order import Order
from freehold.engine.plan import EnginePlan
from freehold.errors import EstateError
from freehold.seal.landlock import Access

PLAN = EnginePlan(context_tokens=1024, slots=3, threads=5, prompt_threads=6, queue=4, prompt_cache_mib=128)


def order(chat_template: str = "") -> Order:
    return Order(
        model="small",
        weights_fd=7,
        folder="/estate/run/engine/local",
        socket="engine.sock",
        parent_pid=1,
        plan=PLAN,
        chat_template=chat_template,
    )


def option(command: list[str], name: str) -> str:
    return command[command.index(name) + 1]


def program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_the_model_is_named_by_its_descriptor_and_its_alias() -> None:
    command = llamacpp.command(Path("/opt/llama-server"), order())
    assert command[0] == "/opt/llama-server"
    assert option(command, "--model") == "/proc/self/fd/7"
    assert option(command, "--alias") == "small"
    assert not [argument for argument in command if "estate" in argument]


def test_the_context_is_that_of_all_slots_together() -> None:
    command = llamacpp.command(Path("/opt/llama-server"), order())
    assert (option(command, "--ctx-size"), option(command, "--parallel")) == ("3072", "3")
    assert option(command, "--threads") == "5"
    assert option(command, "--threads-batch") == "6"
    assert option(command, "--cache-ram") == "128"


def test_a_connection_of_every_call_and_of_the_keep_alive_ones_finds_a_thread() -> None:
    command = llamacpp.command(Path("/opt/llama-server"), order())
    assert int(option(command, "--threads-http")) >= 2 * (PLAN.slots + PLAN.queue)


def test_a_template_is_given_only_where_the_operator_has_one() -> None:
    assert "--chat-template" not in llamacpp.command(Path("/opt/llama-server"), order())
    command = llamacpp.command(Path("/opt/llama-server"), order(chat_template="{{ x }}"))
    assert option(command, "--chat-template") == "{{ x }}"


def test_the_page_and_the_view_of_other_callers_prompts_are_off() -> None:
    assert {"--no-webui", "--no-slots", "--offline", "--jinja"} < set(
        llamacpp.command(Path("/opt/llama-server"), order())
    )


def test_what_only_newer_ones_know_is_said_where_older_ones_pass_over_it() -> None:
    assert llamacpp.ENVIRONMENT["LLAMA_ARG_SSE_PING_INTERVAL"] == "-1"
    assert "--sse-ping-interval" not in llamacpp.command(Path("/opt/llama-server"), order())


def test_the_configured_binary_comes_before_the_one_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_the_path, configured = program(tmp_path / "bin/llama-server"), program(tmp_path / "own/llama-server")
    monkeypatch.setenv("PATH", str(on_the_path.parent))
    assert server_of("", tmp_path / "none") == on_the_path
    assert server_of(str(configured), tmp_path / "none") == configured


def test_without_any_binary_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert server_of("", tmp_path / "none") is None


def test_a_configured_binary_that_is_none_stops_the_engine(tmp_path: Path) -> None:
    with pytest.raises(EstateError, match="is not a program"):
        llamacpp.configured(str(tmp_path / "missing"))


def test_the_binarys_folder_is_readable_only_where_the_estate_is_not_in_it(tmp_path: Path) -> None:
    binary = program(tmp_path / "llama-server")
    (tmp_path / "libggml.so.1").touch()
    inside = llamacpp.grants(binary, tmp_path / "estate/run/engine/local")
    assert tmp_path not in [grant.place for grant in inside]
    assert tmp_path / "libggml.so.1" in [grant.place for grant in inside]
    outside = llamacpp.grants(binary, Path("/elsewhere"))
    assert tmp_path in [grant.place for grant in outside]


def test_nothing_that_the_binary_needs_can_be_written(tmp_path: Path) -> None:
    changes = ~(Access.READ_FILE | Access.READ_DIR | Access.EXECUTE)
    assert not [
        grant for grant in llamacpp.grants(tmp_path / "llama-server", Path("/elsewhere")) if grant.access & changes
    ]
