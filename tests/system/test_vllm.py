# SPDX-License-Identifier: Apache-2.0
"""An estate whose engine is vLLM: the stand-in, in vLLM's own jail; and the real one where the environment names it.

``FREEHOLD_VLLM`` is a virtual environment with vLLM, ``FREEHOLD_VLLM_MODEL`` a folder with safetensors of a small model
that chats.
"""

import json
import os
import shutil
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from tests import vllm_builder
from tests.system import clients, processes
from tests.system.estates import Estate
from tests.system.processes import PROC
from tests.system.waiting import wait_for
from tests.system.wire import CHAT, chat, post

MODEL = "tiny"
TEMPLATE = Path(__file__).with_name("tools.jinja")
DEVELOPMENT = ("/sleep", "/wake_up", "/collective_rpc", "/server_info", "/v1/load_lora_adapter", "/reset_prefix_cache")
SECCOMP_FILTER = "2"
STAND_IN = "stand-in"
REAL = pytest.param(
    "vllm",
    marks=[
        pytest.mark.timeout(900),
        pytest.mark.skipif(not vllm_builder.REAL, reason="FREEHOLD_VLLM names no environment with vLLM"),
    ],
)


@pytest.fixture(scope="module", params=[STAND_IN, REAL])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """An estate with one target, which the tests of this file share."""
    folder = tmp_path_factory.mktemp("vllm")
    real = request.param != STAND_IN
    own = Estate(folder / "estate")
    model = Path(vllm_builder.REAL_MODEL) if real else vllm_builder.write_model(folder / "model")
    environment = vllm_builder.REAL if real else str(vllm_builder.write_environment(folder / "environment"))
    try:
        own.run("init")
        own.run("vault", "import", model, "--name", MODEL)
        own.run("vault", "approve", MODEL, "--reason", "made for this test", "--yes")
        shutil.copy(TEMPLATE, own.files)
        serve(own, environment)
        own.up()
        yield own
    finally:
        own.destroy()


def serve(house: Estate, environment: str) -> None:
    """Have the one target run the model by vLLM."""
    path = house.files / "freehold.toml"
    text = path.read_text(encoding="utf-8")
    text = text.replace(
        'engine = "llamacpp"\nmodel = "smollm2-135m-instruct"', f'engine = "vllm"\nmodel = "{MODEL}"', 1
    )
    path.write_text(text, encoding="utf-8")
    house.set("target.local", f'environment = "{environment}"\ntool_parser = "hermes"\nchat_template = "tools.jinja"')
    house.set("target.local", "context_tokens = 1024\nslots = 2")


def test_it_answers_in_every_dialect_and_names_its_model(house: Estate) -> None:
    asked = "Name a colour."
    with clients.openai(house) as openai:
        said = openai.chat.completions.create(
            model="gpt-4o", max_tokens=8, temperature=0, messages=[{"role": "user", "content": asked}]
        )
        assert (said.model, bool(said.choices[0].message.content)) == (MODEL, True)
        assert openai.responses.create(model="gpt-4o", input=asked, max_output_tokens=16).output_text
        stream = openai.chat.completions.create(
            model="gpt-4o",
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
            messages=[{"role": "user", "content": asked}],
        )
        assert [chunk.usage for chunk in stream][-1] is not None
    with clients.anthropic(house) as anthropic:
        message = anthropic.messages.create(
            model="claude-x",
            max_tokens=8,
            messages=[{"role": "user", "content": asked}, {"role": "assistant", "content": "My favourite is"}],
        )
        assert message.content
        counted = anthropic.messages.count_tokens(model="claude-x", messages=[{"role": "user", "content": asked}])
        assert counted.input_tokens > 0
    with clients.mistral(house) as mistral:
        answer = mistral.chat.complete(model="mistral-x", max_tokens=8, messages=[{"role": "user", "content": asked}])
        assert answer.choices


def test_a_tool_that_must_be_called_is_called(house: Estate) -> None:
    parameters: dict[str, object] = {
        "type": "object",
        "properties": {"city": {"enum": ["Paris"]}},
        "required": ["city"],
    }
    with clients.openai(house) as openai:
        said = openai.chat.completions.create(
            model="gpt-4o",
            max_tokens=120,
            temperature=0,
            messages=[{"role": "user", "content": "The weather in Paris?"}],
            tools=[{"type": "function", "function": {"name": "weather", "parameters": parameters}}],
            tool_choice="required",
        )
    (call,) = said.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Paris"})


def test_status_says_what_runs_and_what_its_jail_leaves_it(house: Estate) -> None:
    target = house.target()
    assert target["engine"] == "vllm"
    assert target["build"].startswith("vllm 0.3")
    assert (target["context_tokens"], target["slots"], target["tools"]) == (1024, 2, True)
    assert target["engine_digest"].startswith("sha256:")
    assert target["jail"]["missing"] == []
    assert "connect(2)" in target["jail"]["left"][0]
    assert "alone in its jail" in house.run("status")
    assert "and keeps what vllm needs" in house.attempt("doctor").stdout


def test_routes_for_developers_are_nowhere(house: Estate) -> None:
    """Not on the estate's port, and not on the engine's own socket, which nobody but the gateway asks."""
    for path in DEVELOPMENT:
        assert post(house, path, b"{}").status == 404
        assert ask_engine(house, path) == 404
    assert ask_engine(house, "/health", method="GET") == 200


def test_every_process_of_it_is_in_the_jail(house: Estate) -> None:
    household = of_engine(house)
    assert len(household) >= 2
    for pid in household:
        assert (PROC / str(pid) / "ns" / "net").readlink() != (PROC / "self" / "ns" / "net").readlink()
        devices = (PROC / str(pid) / "net" / "dev").read_text(encoding="ascii").splitlines()[2:]
        assert [line.split(":")[0].strip() for line in devices] == ["lo"]
        assert int(processes.status_line(pid, "CapEff"), 16) == 0
        for thread in processes.threads(pid):
            assert (thread["Seccomp"], thread["NoNewPrivs"]) == (SECCOMP_FILTER, "1")


def test_its_environment_is_made_from_nothing(house: Estate) -> None:
    seen = set()
    for pid in of_engine(house):
        variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        assert not [name for name in variables if name.startswith((b"VLLM_SERVER_DEV_MODE", b"FREEHOLD", b"PYTEST"))]
        seen |= set(variables)  # some of the real one's processes write a title over theirs
    assert {b"VLLM_NO_USAGE_STATS=1", b"DO_NOT_TRACK=1", b"HF_HUB_OFFLINE=1", b"TRANSFORMERS_OFFLINE=1"} <= seen


def test_one_that_is_killed_comes_back_and_leaves_nothing(house: Estate) -> None:
    killed, household = house.target()["pid"], of_engine(house)
    house.kill(killed)
    wait_for(lambda: not any(map(processes.alive, household)), "all of it is gone")
    wait_for(lambda: house.target()["pid"] not in (None, 0, killed), "another is started")
    wait_for(lambda: house.target()["state"] == "ready", "it is ready")
    assert post(house, CHAT, chat()).status == 200


def test_one_that_slept_is_woken_by_a_call(house: Estate) -> None:
    house.down()
    house.set("target.local", "sleep_after_s = 1.0")
    house.up()
    wait_for(lambda: house.target()["state"] == "asleep", "the engine sleeps")
    wait_for(lambda: post(house, CHAT, chat()).status == 200, "it is woken, which may outlast a caller's patience")


def test_a_sealed_estate_does_not_run_it(house: Estate) -> None:
    house.down()
    house.attempt_up("--sealed")
    assert "start without --sealed" in failure_of(house)
    house.down()


@pytest.fixture
def refusing(tmp_path: Path) -> Iterator[Estate]:
    """An estate that has the model, and is not up."""
    own = Estate(tmp_path / "estate")
    try:
        own.run("init")
        own.run("vault", "import", vllm_builder.write_model(tmp_path / "model"), "--name", MODEL)
        own.run("vault", "approve", MODEL, "--reason", "made for this test", "--yes")
        shutil.copy(TEMPLATE, own.files)
        serve(own, str(vllm_builder.write_environment(tmp_path / "environment")))
        yield own
    finally:
        own.destroy()


def test_what_is_not_what_it_was_is_not_run_and_says_what_to_do(refusing: Estate, tmp_path: Path) -> None:
    (blob,) = [path for path in blobs(refusing) if path.read_bytes().endswith(b"\x00\x00\xa0\x40")]
    sound = blob.read_bytes()
    rewrite(blob, sound[:-1] + b"\x41")
    assert "digest" in refusal_of(refusing)
    rewrite(blob, sound)
    (tmp_path / "environment").rename(tmp_path / "elsewhere")
    assert "is not there; docs/tasks/vllm.md says how to make one" in refusal_of(refusing)
    (tmp_path / "elsewhere").rename(tmp_path / "environment")
    changed = tmp_path / "model" / "tokenizer_config.json"
    changed.write_text(changed.read_text().replace("message['content']", "message['role']"), encoding="utf-8")
    assert refusing.attempt("vault", "import", tmp_path / "model", "--name", MODEL).returncode == 1
    refusing.run("vault", "import", tmp_path / "model", "--name", "changed")
    settings = refusing.files / "freehold.toml"
    settings.write_text(settings.read_text().replace(f'model = "{MODEL}"', 'model = "changed"'), encoding="utf-8")
    assert "changed may not run: nobody has approved it" in refusal_of(refusing)


def refusal_of(house: Estate) -> str:
    """Why the engine of an estate that is started does not run. The estate is down again afterwards."""
    house.attempt_up()
    try:
        return failure_of(house)
    finally:
        house.down()


def failure_of(house: Estate) -> str:
    wait_for(lambda: house.target()["state"] == "failed", "the engine is not started")
    return str(house.target()["reason"])


def of_engine(house: Estate) -> set[int]:
    """The processes of the household, but for the one that waits for it."""
    assert post(house, CHAT, chat()).status == 200
    waiting = int(house.target()["pid"])
    group = {pid for pid in processes.of_estate(house.directory) | processes_of_group(waiting) if pid != waiting}
    return {pid for pid in group if os.getpgid(pid) == waiting}


def processes_of_group(leader: int) -> set[int]:
    found = set()
    for path in PROC.iterdir():
        if path.name.isdigit():
            try:
                if os.getpgid(int(path.name)) == leader:
                    found.add(int(path.name))
            except ProcessLookupError:
                continue
    return found


def ask_engine(house: Estate, path: str, method: str = "POST") -> int:
    """The status that the engine's own socket answers with."""

    class OverSocket(HTTPConnection):
        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX)
            folder = os.open(house.files / "run" / "engine" / "local", os.O_PATH)
            try:
                self.sock.connect(f"/proc/self/fd/{folder}/engine.sock")
            finally:
                os.close(folder)

    connection = OverSocket("engine")
    try:
        connection.request(method, path, body=b"{}", headers={"content-type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


def blobs(house: Estate) -> list[Path]:
    return list((house.files / "vault" / "blobs" / "sha256").iterdir())


def rewrite(blob: Path, content: bytes) -> None:
    blob.chmod(0o600)
    blob.write_bytes(content)
    blob.chmod(0o444)
