# SPDX-License-Identifier: Apache-2.0
"""vLLM in an environment of its own: where it is, what it is told, and what it needs to read. Starts nothing.

Its telemetry is off, its way to the model hub is shut, and its development routes are never switched on: the variables
of its process are those below, whatever the supervisor's own are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from freehold.contract.weights import VerifiedWeights
from freehold.engine import own_root
from freehold.engine.order import Order, VllmOrder
from freehold.errors import EstateError
from freehold.seal.landlock import OWN_FOLDER, READ, RUN, Access, Grant
from freehold.settings import EngineTargetSection

NAME: Final = "vllm"
HELD_AGAINST: Final = ("0.32", "0.33")  # the versions whose options, routes and answers this release knows

_PROGRAM: Final = "bin/vllm"
_MODEL: Final = Path("/model")
_TEMPLATE: Final = Path("/chat_template.jinja")
_HOSTS: Final = Path("/etc/hosts")
_GIB: Final = 2**30
_DEVICES: Final = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm*", "nvidia-modeset", "nvidia-caps", "kfd", "dri")
_WRITE: Final = READ | Access.WRITE_FILE | Access.TRUNCATE
_MEMORY: Final = _WRITE | Access(
    Access.MAKE_DIR | Access.MAKE_REG | Access.MAKE_SOCK | Access.MAKE_FIFO | Access.MAKE_SYM
    | Access.REMOVE_DIR | Access.REMOVE_FILE | Access.REFER | Access.RESOLVE_UNIX
)  # fmt: skip

_ENVIRONMENT: Final = {
    "HOME": "/tmp",  # noqa: S108 - memory of the program's own
    "TMPDIR": "/tmp",  # noqa: S108
    "USER": "freehold",  # else the system is asked who this is
    "LC_ALL": "C.UTF-8",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_DO_NOT_TRACK": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_PLUGINS": "",  # none but what vLLM is made of
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_RPC_BASE_PATH": "/tmp",  # noqa: S108 - where its processes meet
    "VLLM_HOST_IP": "127.0.0.1",
    "GLOO_SOCKET_IFNAME": "lo",
    "NCCL_SOCKET_IFNAME": "lo",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """A virtual environment that has a vLLM of a version that is known here."""

    folder: Path
    base: Path  # of the Python that it was made with
    version: str
    record: Path  # the list of the files that were installed, with their digests


def find(named: str, estate: Path) -> Environment:
    """The one that a target names, relative to the estate. Raises EstateError where nothing can be started in it."""
    folder = (estate / Path(named).expanduser()).absolute()
    if not folder.is_dir():
        raise _unusable(f"the target's environment {folder} is not there")
    if not (folder / _PROGRAM).is_file():
        raise _unusable(f"the target's environment {folder} has no {_PROGRAM}")
    known = list(folder.glob("lib/python3*/site-packages/vllm-*.dist-info/RECORD"))
    if len(known) != 1:
        raise _unusable(f"the target's environment {folder} does not say which version of vllm is installed in it")
    version = known[0].parent.name.removeprefix("vllm-").removesuffix(".dist-info")
    if not version.startswith(tuple(f"{held}." for held in HELD_AGAINST)):
        raise _unusable(
            f"the target's environment {folder} has vLLM {version}, and this release knows {' and '.join(HELD_AGAINST)}"
        )
    return Environment(folder=folder, base=_base(folder), version=version, record=known[0])


def _base(folder: Path) -> Path:
    """Where the Python is that made the environment. Raises EstateError."""
    try:
        home = re.search(r"^home\s*=\s*(/.+?)\s*$", (folder / "pyvenv.cfg").read_text(encoding="utf-8"), re.MULTILINE)
    except (OSError, UnicodeDecodeError) as exc:
        raise _unusable(f"{folder} is no virtual environment: its pyvenv.cfg cannot be read") from exc
    if home is None:
        raise _unusable(f"{folder} is no virtual environment: its pyvenv.cfg does not say where its Python is")
    return Path(home[1]).resolve().parent


def _unusable(what: str) -> EstateError:
    return EstateError(f"{what}; docs/tasks/vllm.md says how to make one")


def order(target: EngineTargetSection, environment: Environment, weights: VerifiedWeights) -> VllmOrder:
    """What its process is told of a target."""
    return VllmOrder(
        environment=str(environment.folder),
        base=str(environment.base),
        version=environment.version,
        files={file.path: file.fd for file in weights.files},
        gpus=target.gpus,
        tool_parser=target.tool_parser,
        reasoning_parser=target.reasoning_parser,
    )


def command(order: Order, vllm: VllmOrder) -> list[str]:
    """The command line. The model is named by where it lies in the program's own root."""
    plan = order.plan
    arguments: dict[str, str | int] = {
        "--served-model-name": order.model,
        "--uds": order.socket,
        "--max-model-len": plan.context_tokens or "auto",
        "--max-num-seqs": plan.slots,
        "--uvicorn-log-level": "warning",
    }
    if vllm.gpus > 1:
        arguments["--tensor-parallel-size"] = vllm.gpus
    if order.chat_template:
        arguments["--chat-template"] = str(_TEMPLATE)
    if vllm.tool_parser:
        arguments["--tool-call-parser"] = vllm.tool_parser
    if vllm.reasoning_parser:
        arguments["--reasoning-parser"] = vllm.reasoning_parser
    pairs = [text for name, value in arguments.items() for text in (name, str(value))]
    switches = ["--disable-uvicorn-access-log", "--disable-fastapi-docs"]
    if vllm.tool_parser:
        switches.append("--enable-auto-tool-choice")
    if not vllm.gpus:
        switches.append("--enforce-eager")  # what would be compiled for a processor wants a compiler, and minutes
    return [str(Path(vllm.environment) / _PROGRAM), "serve", str(_MODEL), *pairs, *switches]


def variables(order: Order, vllm: VllmOrder) -> dict[str, str]:
    """All that the process has for an environment."""
    own = {"PATH": f"{vllm.environment}/bin:/usr/bin:/bin", "VIRTUAL_ENV": vllm.environment}
    if not vllm.gpus:
        own |= {
            "OMP_NUM_THREADS": str(order.plan.threads),
            "VLLM_CPU_OMP_THREADS_BIND": "nobind",  # the cores are others' too
            "VLLM_CPU_KVCACHE_SPACE": str(max(1, -(-order.plan.context_bytes // _GIB))),
        }
    return _ENVIRONMENT | own


def root(order: Order, vllm: VllmOrder, host_name: str, dev: Path = Path("/dev")) -> own_root.Root:
    """What there is for the program to open."""
    texts = {_HOSTS: f"127.0.0.1 localhost {host_name}\n"}
    if order.chat_template:
        texts[_TEMPLATE] = order.chat_template
    return own_root.Root(
        folder=Path(order.folder),
        places=(Path(vllm.environment), Path(vllm.base)),
        devices=tuple(_devices(vllm, dev)),
        texts=texts,
        opened={_MODEL / path: fd for path, fd in vllm.files.items()},
    )


def grants(vllm: VllmOrder, dev: Path = Path("/dev")) -> tuple[Grant, ...]:
    """What of that it may do what with."""
    return (
        *(Grant(fd, Access.READ_FILE) for fd in vllm.files.values()),
        Grant(own_root.FOLDER, OWN_FOLDER),
        *(Grant(place, RUN) for place in (Path(vllm.environment), Path(vllm.base), *own_root.READABLE)),
        *(Grant(place, READ) for place in (_MODEL, _TEMPLATE)),
        *(Grant(place, _MEMORY) for place in own_root.MEMORY),
        *(Grant(place, _WRITE) for place in own_root.DEVICES),
        *(Grant(place, _WRITE | Access.IOCTL_DEV) for place in _devices(vllm, dev)),
    )


def _devices(vllm: VllmOrder, dev: Path) -> Iterator[Path]:
    if vllm.gpus:
        for pattern in _DEVICES:
            yield from sorted(dev.glob(pattern))
