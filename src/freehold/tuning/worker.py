# SPDX-License-Identifier: Apache-2.0
"""The process that writes a model in another format: ``python -m freehold.tuning.worker``. A prisoner like an engine.

Its order comes on standard input. It has two descriptors, the verified weights and an empty file, and reaches nothing
else: no network, no path of the vault. It becomes a ``llama-quantize``, or writes with the gguf package in itself.
"""

import errno
import os
import resource
import sys
from pathlib import Path
from typing import Final, NoReturn

import msgspec

from freehold.engine import jail, llamacpp
from freehold.engine.worker import close_standard_input, python_grants
from freehold.seal.landlock import Access, Grant
from freehold.tuning.formats import FORMATS
from freehold.tuning.order import CANNOT, LACKS_SPACE, Order, refusal_line

_ORDER: Final = msgspec.json.Decoder(Order)
_ENVIRONMENT: Final = {"LC_ALL": "C.UTF-8"}
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WRITE: Final = Access.READ_FILE | Access.WRITE_FILE | Access.TRUNCATE


def main() -> None:
    order = _ORDER.decode(sys.stdin.buffer.read())
    close_standard_input()
    os.chdir(order.folder)
    resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_bytes, order.largest_bytes))
    if order.binary:
        _become(order, Path(order.binary))
    else:
        _run(order)


def _become(order: Order, binary: Path) -> NoReturn:
    """Enter the jail and replace this program by a ``llama-quantize``."""
    jail.enter(_cell(order, llamacpp.grants(binary, Path(order.folder)), may_execute=True))
    for descriptor in (order.source_fd, order.draft_fd):
        os.set_inheritable(descriptor, True)  # noqa: FBT003
    places = (f"/proc/self/fd/{order.source_fd}", f"/proc/self/fd/{order.draft_fd}")
    words = [str(binary), "--allow-requantize", *places, order.format.upper(), str(order.threads)]
    os.execve(binary, words, _ENVIRONMENT)  # noqa: S606


def _run(order: Order) -> None:
    jail.enter(_cell(order, python_grants(), may_execute=False))
    from freehold.tuning import requantise  # noqa: PLC0415 - runs native code, so not before it is in jail

    try:
        requantise.requantise(order.source_fd, order.draft_fd, FORMATS[order.format])
    except requantise.Refused as refused:
        print(refusal_line(str(refused)), flush=True)  # noqa: T201 - whoever started the process reads it
        sys.exit(CANNOT)
    except OSError as exc:
        sys.exit(LACKS_SPACE if exc.errno in _FULL else 1)


def _cell(order: Order, grants: tuple[Grant, ...], *, may_execute: bool) -> jail.Cell:
    own = (Grant(order.source_fd, Access.READ_FILE), Grant(order.draft_fd, _WRITE))
    return jail.Cell(
        parent_pid=order.parent_pid,
        grants=(*grants, *own),
        descriptors=frozenset({order.source_fd, order.draft_fd}),
        may_execute=may_execute,
    )


if __name__ == "__main__":
    main()
