# SPDX-License-Identifier: Apache-2.0
"""What vLLM is told, as text, and what of it is found in an environment."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.vllm_builder import write_environment

from freehold.engine import own_root, vllm
from freehold.engine.order import Order, VllmOrder
from freehold.engine.plan import EnginePlan
from freehold.errors import EstateError
from freehold.seal.landlock import Access, Grant

PLAN = EnginePlan(
    context_tokens=4096, slots=2, threads=3, prompt_threads=4, queue=8, prompt_cache_mib=0, context_bytes=2**30 + 1
)
ITS = VllmOrder(
    environment="/opt/vllm", base="/usr", version="0.33.0", files={"config.json": 7, "sub/model.safetensors": 8}
)
ORDER = Order(
    model="support", weights_fd=8, folder="/e/run/engine/local", socket="engine.sock", parent_pid=1, plan=PLAN
)
GPUS = VllmOrder(
    environment="/opt/vllm",
    base="/usr",
    version="0.33.0",
    files={},
    gpus=2,
    tool_parser="hermes",
    reasoning_parser="qwen3",
)


def test_the_command_line_without_a_gpu() -> None:
    assert " ".join(vllm.command(ORDER, ITS)) == (
        "/opt/vllm/bin/vllm serve /model --served-model-name support --uds engine.sock --max-model-len 4096 "
        "--max-num-seqs 2 --uvicorn-log-level warning --disable-uvicorn-access-log --disable-fastapi-docs "
        "--enforce-eager"
    )


def test_the_command_line_with_gpus_and_parsers() -> None:
    order = Order(
        model="support",
        weights_fd=8,
        folder="/f",
        socket="engine.sock",
        parent_pid=1,
        plan=replace(PLAN, context_tokens=0),
        chat_template="{{ messages }}",
    )
    assert " ".join(vllm.command(order, GPUS)) == (
        "/opt/vllm/bin/vllm serve /model --served-model-name support --uds engine.sock --max-model-len auto "
        "--max-num-seqs 2 --uvicorn-log-level warning --tensor-parallel-size 2 --chat-template /chat_template.jinja "
        "--tool-call-parser hermes --reasoning-parser qwen3 --disable-uvicorn-access-log --disable-fastapi-docs "
        "--enable-auto-tool-choice"
    )


@pytest.mark.parametrize("its", [ITS, GPUS])
def test_telemetry_is_off_the_hub_is_shut_and_nothing_is_inherited(
    its: VllmOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLLM_SERVER_DEV_MODE", "1")
    monkeypatch.setenv("HF_TOKEN", "secret")
    variables = vllm.variables(ORDER, its)
    off = ("VLLM_NO_USAGE_STATS", "DO_NOT_TRACK", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY")
    assert {variables[name] for name in off} == {"1"}
    assert not {"VLLM_SERVER_DEV_MODE", "HF_TOKEN", "VLLM_ALLOW_RUNTIME_LORA_UPDATING"} & variables.keys()
    assert variables["VLLM_PLUGINS"] == ""


def test_without_a_gpu_it_has_the_plans_threads_and_room_for_the_context() -> None:
    variables = vllm.variables(ORDER, ITS)
    assert (variables["OMP_NUM_THREADS"], variables["VLLM_CPU_KVCACHE_SPACE"]) == ("3", "2")
    assert not {"OMP_NUM_THREADS", "VLLM_CPU_KVCACHE_SPACE"} & vllm.variables(ORDER, GPUS).keys()


def test_the_model_is_a_folder_of_names_for_the_descriptors_that_were_checked() -> None:
    root = vllm.root(ORDER, ITS, "host")
    assert root.opened == {Path("/model/config.json"): 7, Path("/model/sub/model.safetensors"): 8}
    assert {Grant(7, Access.READ_FILE), Grant(8, Access.READ_FILE)} <= set(vllm.grants(ITS))


def test_devices_are_granted_where_the_target_asks_for_a_gpu_and_else_not(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "sda", "kvm"):
        (tmp_path / name).touch()
    (tmp_path / "dri").mkdir()
    assert vllm.root(ORDER, ITS, "host", tmp_path).devices == ()
    devices = vllm.root(ORDER, GPUS, "host", tmp_path).devices
    assert {device.name for device in devices} == {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "dri"}
    granted = {grant.place: grant.access for grant in vllm.grants(GPUS, tmp_path)}
    assert all(Access.IOCTL_DEV in granted[device] for device in devices)
    assert not granted.keys() & {tmp_path / "sda", tmp_path / "kvm"}


def test_nothing_can_be_written_but_memory_and_the_socket() -> None:
    writes = Access.WRITE_FILE | Access.MAKE_REG | Access.MAKE_DIR
    writable = {grant.place for grant in vllm.grants(ITS) if grant.access & writes}
    assert writable == {own_root.FOLDER, *own_root.MEMORY, *own_root.DEVICES}
    (folder,) = [grant for grant in vllm.grants(ITS) if grant.place == own_root.FOLDER]
    assert not folder.access & (Access.MAKE_REG | Access.MAKE_DIR)


def test_an_environment_is_found_relative_to_the_estate(tmp_path: Path) -> None:
    write_environment(tmp_path / "vllm")
    found = vllm.find("vllm", tmp_path)
    assert (found.folder, found.version, found.record.name) == (tmp_path / "vllm", "0.33.0", "RECORD")
    assert found.base == Path(sys.base_prefix).resolve()


def test_a_build_for_processors_is_a_version_like_any_other(tmp_path: Path) -> None:
    write_environment(tmp_path / "vllm", version="0.32.0+cpu")
    assert vllm.find("vllm", tmp_path).version == "0.32.0+cpu"


@pytest.mark.parametrize("version", ["0.20.0", "0.3.3", "0.330.0", "1.0.0"])
def test_a_version_that_nothing_is_known_of_is_refused(tmp_path: Path, version: str) -> None:
    write_environment(tmp_path / "vllm", version=version)
    with pytest.raises(EstateError, match=rf"has vLLM {version}, and this release knows 0\.32 and 0\.33"):
        vllm.find("vllm", tmp_path)


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("", "is not there"),
        ("bin/vllm", "has no bin/vllm"),
        ("lib/python3.11/site-packages/vllm-0.33.0.dist-info/RECORD", "does not say which version of vllm"),
        ("pyvenv.cfg", "its pyvenv.cfg cannot be read"),
    ],
)
def test_an_environment_that_lacks_a_part_is_refused_with_what_to_do(tmp_path: Path, gone: str, said: str) -> None:
    folder = write_environment(tmp_path / "vllm")
    (folder / gone).rename(tmp_path / "away")
    with pytest.raises(EstateError, match=f"{said}.*docs/tasks/vllm.md says how"):
        vllm.find(str(folder), tmp_path)


def test_one_that_was_made_by_nobody_known_is_refused(tmp_path: Path) -> None:
    folder = write_environment(tmp_path / "vllm")
    (folder / "pyvenv.cfg").write_text("version = 3.11\n")
    with pytest.raises(EstateError, match="does not say where its Python is"):
        vllm.find(str(folder), tmp_path)
