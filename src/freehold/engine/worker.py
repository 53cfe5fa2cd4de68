# SPDX-License-Identifier: Apache-2.0
"""An engine's process: ``python -m freehold.engine.worker``. Jails itself, says what holds, then runs the model.

Its order comes on standard input; one line of JSON goes to standard output before any weight is read. It runs the model
in itself by the xllamacpp package, or becomes a ``llama-server`` in the same jail, or vLLM in one of its own kind. It
never opens a path of the vault.
"""

import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from freehold.contract.backend import Jail
from freehold.engine import household, jail, llamacpp, vllm
from freehold.engine.order import UNFIT, Order, Report, VllmOrder
from freehold.seal.landlock import OWN_FOLDER, READ, Access, Grant

_ORDER_DECODER: Final = msgspec.json.Decoder(Order)

_SYSTEM: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/nix/store", "/gnu/store")


def main() -> None:
    order = _ORDER_DECODER.decode(sys.stdin.buffer.read())
    close_standard_input()
    os.umask(0o177)
    os.chdir(order.folder)
    if order.vllm:
        _become_vllm(order, order.vllm)
    elif order.binary:
        _become(order, Path(order.binary))
    else:
        _run(order)


def close_standard_input() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _become(order: Order, binary: Path) -> NoReturn:
    """Enter the jail and replace this program by a ``llama-server``."""
    needed = (*llamacpp.grants(binary, Path(order.folder)), *_own(order))
    _announce(order, jail.enter(_cell(order, needed, may_execute=True)), llamacpp.NAME)
    os.set_inheritable(order.weights_fd, True)  # noqa: FBT003
    os.execve(binary, llamacpp.command(binary, order), llamacpp.ENVIRONMENT)  # noqa: S606


def _become_vllm(order: Order, its: VllmOrder) -> NoReturn:
    """Enter a household's jail and replace this program by vLLM. Where it is not whole, nothing is run."""
    os.umask(0o077)
    held = household.enter(
        household.Household(
            parent_pid=order.parent_pid,
            grants=vllm.grants(its),
            root=vllm.root(order, its, os.uname().nodename),
            descriptors=frozenset(its.files.values()),
        )
    )
    _announce(order, held, f"{vllm.NAME} {its.version}")
    if held.missing:
        sys.exit(UNFIT)
    for descriptor in its.files.values():
        os.set_inheritable(descriptor, True)  # noqa: FBT003
    program, *arguments = vllm.command(order, its)
    os.execve(program, [program, *arguments], vllm.variables(order, its))  # noqa: S606


def _run(order: Order) -> None:
    """Enter the jail, import the engine, narrow the jail to the weights and the socket, load and serve."""
    held = jail.enter(_cell(order, (*python_grants(), *_own(order)), may_execute=False))
    from freehold.engine import xllama  # noqa: PLC0415 - runs native code, so not before it is in jail

    _announce(order, jail.narrow(held, _own(order)), xllama.BUILD)
    try:
        xllama.serve(order)
    except xllama.NotLoaded:
        sys.exit(UNFIT)


def _own(order: Order) -> tuple[Grant, ...]:
    return Grant(order.weights_fd, Access.READ_FILE), Grant(Path(order.folder), OWN_FOLDER)


def python_grants() -> tuple[Grant, ...]:
    """What the import reads: the interpreter's and the packages' folders, and the system's libraries."""
    places = {*_SYSTEM, "/etc/ld.so.cache", sys.prefix, sys.base_prefix, *filter(os.path.isabs, sys.path)}
    return tuple(Grant(Path(place), READ) for place in sorted(places))


def _cell(order: Order, grants: tuple[Grant, ...], *, may_execute: bool) -> jail.Cell:
    return jail.Cell(
        parent_pid=order.parent_pid,
        grants=grants,
        descriptors=frozenset({order.weights_fd}),
        may_execute=may_execute,
    )


def _announce(order: Order, held: Jail, build: str) -> None:
    """Say what holds; stop where it must be whole and is not. Afterwards standard output is the log."""
    os.write(1, msgspec.json.encode(Report(jail=held, build=build)) + b"\n")
    os.dup2(2, 1)
    if order.sealed and not held.sealed:
        sys.exit(UNFIT)


if __name__ == "__main__":
    main()
