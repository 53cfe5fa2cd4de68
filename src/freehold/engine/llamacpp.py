# SPDX-License-Identifier: Apache-2.0
"""A ``llama-server`` built for this host: where it is, what it is told, and what it needs to read. Starts nothing."""

import shutil
from pathlib import Path
from typing import Final

from freehold.engine.order import Order
from freehold.errors import EstateError
from freehold.seal.landlock import READ, RUN, Access, Grant

NAME: Final = "llama-server"

# What only newer ones know is said here, where older ones pass over it; an option that they lack would stop them.
ENVIRONMENT: Final = {
    "LC_ALL": "C.UTF-8",
    "GOMP_SPINCOUNT": "1000",  # as in owned.py: whoever spins takes the core from the one that is waited for
    "LLAMA_ARG_CORS_ORIGINS": "",  # no web page has any business here
    "LLAMA_ARG_FIT": "off",  # the plan fits already
    "LLAMA_ARG_LOG_VERBOSITY": "2",  # warnings and errors; one more writes a line for every call
    "LLAMA_ARG_SSE_PING_INTERVAL": "-1",  # the gateway keeps its callers company; a ping would hide an error's status
}

_LIBRARIES: Final = tuple(Path(folder) for folder in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"))
_LOADER_CACHE: Final = Path("/etc/ld.so.cache")
_RANDOM: Final = Path("/dev/urandom")


def configured(binary: str) -> Path:
    """The one that a target names. Raises EstateError if it is none."""
    found = shutil.which(binary)
    if found is None:
        raise EstateError(
            f"the target's binary {binary} is not a program that can be run",
            hint="Correct 'binary' of the target, or leave it out to use the estate's own build or the package.",
        )
    return Path(found).resolve()


def on_the_path() -> Path | None:
    """One that somebody installed."""
    found = shutil.which(NAME)
    return Path(found).resolve() if found else None


def command(binary: Path, order: Order) -> list[str]:
    """The command line. The model is named by its descriptor, so that no path shows."""
    plan = order.plan
    arguments: dict[str, str | int] = {
        "--model": f"/proc/self/fd/{order.weights_fd}",
        "--alias": order.model,
        "--host": order.socket,
        "--ctx-size": plan.context_tokens * plan.slots,
        "--parallel": plan.slots,
        "--threads": plan.threads,
        "--threads-batch": plan.prompt_threads,
        "--threads-http": order.http_threads,
        "--cache-ram": plan.prompt_cache_mib,
    }
    if order.embeds:  # a text is read at one go, or not at all
        arguments["--batch-size"] = arguments["--ubatch-size"] = plan.context_tokens * plan.slots
    if order.chat_template:
        arguments["--chat-template"] = order.chat_template
    pairs = [text for name, value in arguments.items() for text in (name, str(value))]
    switches = ["--jinja", "--offline", "--no-webui", "--no-slots", *(["--embeddings"] if order.embeds else [])]
    return [str(binary), *pairs, *switches]


def grants(binary: Path, folder: Path) -> tuple[Grant, ...]:
    """What the program itself must read: itself, the libraries beside it, and the system's."""
    own = (binary.parent, binary.parent.parent / "lib")
    return (
        Grant(binary, RUN),
        *(grant for place in own for grant in _libraries_in(place, folder)),
        *(Grant(place, RUN) for place in _LIBRARIES),
        Grant(_LOADER_CACHE, Access.READ_FILE),
        Grant(_RANDOM, Access.READ_FILE),
    )


def _libraries_in(place: Path, folder: Path) -> tuple[Grant, ...]:
    """The place whole; but only its libraries if the estate lies beneath it, as in a home directory."""
    if not folder.is_relative_to(place):
        return (Grant(place, READ),)
    return tuple(Grant(library, Access.READ_FILE) for library in place.glob("*.so*"))
