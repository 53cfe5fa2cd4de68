# SPDX-License-Identifier: Apache-2.0
"""A copy of a log for others: a directory or a tar with all that a verifier needs, byte for byte the same each time.

It has the tree under one checkpoint and nothing else of the estate. Bundles are copied; tiles are derived from them; if
that does not lead to the signed root, there is no copy. A writer may go on beside it.
"""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Self

from freehold.errors import EstateError, Pruned, VerificationFailed
from freehold.ledger.check.trust import parse_policy
from freehold.ledger.tree import layout
from freehold.ledger.tree.bundle import join_entries
from freehold.ledger.tree.checkpoint import open_checkpoint
from freehold.ledger.tree.derivation import Derivation, DerivedTile
from freehold.ledger.tree.layout import TILE_WIDTH, Resource
from freehold.ledger.tree.merkle import leaf_hash
from freehold.ledger.tree.store import LedgerFiles
from freehold.signing.note import parse_vkey

VKEY, POLICY = "ledger.vkey", "tlog-policy"
_TAR = ".tar"
_POLICY_HEAD = """\
# What this copy satisfies, after c2sp.org/tlog-policy. Whom to trust is for the one who verifies to say: compare the
# keys with those that you have by another way.
"""

Item = tuple[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """``sha256`` is that of the tar; empty of a directory."""

    path: str
    origin: str
    size: int
    minimum_index: int
    cosigned: bool
    files: int
    size_bytes: int
    sha256: str


class LogCopy:
    """What is to be copied: a log under the checkpoint that it had when this was made.

    ``policy``: whose cosignatures the log asks for, as a tlog-policy. The checkpoint is the newest that satisfies it;
    where it asks for none, and where none does yet, the newest of all. Raises EstateError, VerificationFailed.
    """

    def __init__(self, directory: Path, vkey: str, policy: str = "") -> None:
        self._files = LedgerFiles(directory)
        self._vkey = vkey
        self.minimum_index = self._files.minimum_index()
        cosigned = self._files.cosigned_checkpoint() if policy else None
        self.cosigned = cosigned is not None and _satisfies(cosigned, policy)
        self._policy = policy if self.cosigned else f"log {vkey}\nquorum none\n"
        self._note = cosigned if cosigned and self.cosigned else self._files.checkpoint()
        self.checkpoint = open_checkpoint(self._note, parse_vkey(vkey))
        if self.checkpoint.size < self.minimum_index:
            raise EstateError(
                f"the log's first {self.minimum_index} entries are pruned, and the checkpoint covers no others",
                hint="Export the newest checkpoint: --newest." if self.cosigned else "",
            )

    def write(self, target: Path) -> Exported:
        """The copy, at a path that is free: a tar if it ends in .tar. Raises EstateError, VerificationFailed."""
        if os.path.lexists(target) and not _is_empty_directory(target):
            raise EstateError(f"{target} is there already", hint="Name a path that is free, or an empty directory.")
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        make = _Tar if target.suffix == _TAR else _Directory
        try:
            with make(fresh) as copy:
                for path, content in self.items():
                    copy.add(path, content)
            fresh.replace(target)
        except OSError as exc:
            raise EstateError(f"{target} cannot be written", hint="Check its folder and the space there.") from exc
        except Pruned as exc:
            raise EstateError("the log was pruned while it was being copied", hint="Export it again.") from exc
        finally:
            _remove(fresh)
        return Exported(
            path=str(target),
            origin=self.checkpoint.origin,
            size=self.checkpoint.size,
            minimum_index=self.minimum_index,
            cosigned=self.cosigned,
            files=copy.files,
            size_bytes=copy.size_bytes,
            sha256=copy.sha256,
        )

    def items(self) -> Iterator[Item]:
        """Every file by its path, in an order that depends on the log alone."""
        yield layout.CHECKPOINT, self._note
        yield VKEY, f"{self._vkey}\n".encode()
        yield POLICY, (_POLICY_HEAD + self._policy).encode()
        if self.minimum_index:
            yield layout.MINIMUM_INDEX, f"{self.minimum_index}\n".encode()
        yield from self._tree()

    def _tree(self) -> Iterator[Item]:
        size = self.checkpoint.size
        derivation = Derivation(self._files.kept_edge(size, self.minimum_index))
        for index in range(self.minimum_index // TILE_WIDTH, -(-size // TILE_WIDTH)):
            bundle = Resource(level=None, index=index, width=layout.width_at(0, index, size))
            entries = self._files.bundle(index, bundle.width)
            yield bundle.path, join_entries(entries)
            yield from _tiles(derivation.add([leaf_hash(entry) for entry in entries]))
        yield from _tiles(derivation.unfinished())
        if derivation.root != self.checkpoint.root:
            raise VerificationFailed(
                f"the entries lead to root {derivation.root.hex()}, expected {self.checkpoint.root.hex()}",
                hint="Nothing was exported. 'freehold ledger fsck' names the file that differs.",
            )


class _Directory:
    """Files in a folder."""

    def __init__(self, path: Path) -> None:
        self.files = self.size_bytes = 0
        self.sha256 = ""
        self._path = path

    def __enter__(self) -> Self:
        self._path.mkdir(mode=0o755)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add(self, path: str, content: bytes) -> None:
        place = self._path / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        self.files += 1
        self.size_bytes += len(content)


class _Tar:
    """The same in one file, in the oldest form of tar that everybody reads, with no owner and no time."""

    def __init__(self, path: Path) -> None:
        self.files = self.size_bytes = 0
        self.sha256 = ""
        self._path = path

    def __enter__(self) -> Self:
        self._tar = tarfile.open(self._path, "x", format=tarfile.USTAR_FORMAT)
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()
        with self._path.open("rb") as file:
            self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()

    def add(self, path: str, content: bytes) -> None:
        about = tarfile.TarInfo(path)
        about.size, about.mode = len(content), 0o644
        self._tar.addfile(about, BytesIO(content))
        self.files += 1
        self.size_bytes += len(content)


def _tiles(derived: Iterable[DerivedTile]) -> Iterator[Item]:
    for tile in derived:
        yield layout.tile_path(tile.level, tile.index, len(tile.hashes)), b"".join(tile.hashes)


def _satisfies(note: bytes, policy: str) -> bool:
    trust = parse_policy(policy.encode())
    try:
        trust.open(note)
    except VerificationFailed:
        return False
    return trust.asks_witnesses


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
