# SPDX-License-Identifier: Apache-2.0
"""A ``llama-server`` built for this host: where it is, what it is told, and what it needs to read. Starts nothing."""

import shutil
from pathlib import Path
from typing import Final

from freehold.engine.order import Order
from freehold.errors import EstateError
from freehold.seal.landlock import READ, RUN, Access, Grant

NAME: Final = "llama-server"

_LIBRARIES: Final = tuple(Path(folder) for folder in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"))
_LOADER_CACHE: Final = Path("/etc/ld.so.cache")
_RANDOM: Final = Path("/dev/urandom")


def find(configured: str) -> Path | None:
    """The configured binary, else the one on the PATH, if any. Raises EstateError for a configured one that is none."""
    found = shutil.which(configured or NAME)
    if configured and found is None:
        raise EstateError(
            f"the target's binary {configured} is not a program that can be run",
            hint="Correct 'binary' of the target, or leave it out to use the xllamacpp package.",
        )
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
    if order.chat_template:
        arguments["--chat-template"] = order.chat_template
    pairs = [text for name, value in arguments.items() for text in (name, str(value))]
    return [str(binary), *pairs, "--jinja", "--offline", "--no-webui", "--no-slots"]


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
