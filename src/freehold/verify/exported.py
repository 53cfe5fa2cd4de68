# SPDX-License-Identifier: Apache-2.0
"""A log that somebody handed over: its directory, or a tar of it, which is unpacked into a folder that goes again.

Only what a log consists of is taken out of a tar: regular files, at the paths that the format has. So no name in it can
lead anywhere else.
"""

import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from freehold.errors import EstateError
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import MAX_ENTRY_BYTES
from freehold.ledger.tree.layout import TILE_WIDTH

_HEADS = frozenset({layout.CHECKPOINT, layout.COSIGNED, layout.MINIMUM_INDEX})
_MAX_FILE_BYTES = (MAX_ENTRY_BYTES + 2) * TILE_WIDTH  # a full bundle of the longest entries


@contextmanager
def log_directory(path: Path) -> Iterator[Path]:
    """The directory of a log, given it or a tar. Raises EstateError."""
    if not path.is_file():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="freehold-verify-") as folder:
        try:
            _unpack(path, Path(folder))
        except (tarfile.TarError, OSError) as exc:
            raise EstateError(f"{path} cannot be unpacked: expected a log's directory, or a tar of one") from exc
        yield Path(folder)


def _unpack(path: Path, folder: Path) -> None:
    with tarfile.open(path, "r|") as tar:  # a stream: no list of members is kept
        for member in tar:
            name = member.name.removeprefix("./")
            if not member.isreg() or not (name in _HEADS or layout.read_path(name)):
                continue
            content = tar.extractfile(member)
            if content is None or member.size > _MAX_FILE_BYTES:
                raise EstateError(f"{name} in {path} is larger than such a file of a log can be")
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())
            tar.members = []  # type: ignore[attr-defined]  # it would keep them all
