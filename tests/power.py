# SPDX-License-Identifier: Apache-2.0
"""A disk whose power fails: only what was synced is sure to be there afterwards, of all else any part.

What is modelled, for a real directory that the writer works on:

    files        every write and cut since the file's last sync is there, or is not, or (a write) is there in part
    directories  every name made, moved or taken away since the directory's last sync is so, or is not
    processes    a kill is none of this: the kernel has all of it

Nothing is really synced, which makes it quick.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Lock

from freehold.ledger.writing.disk import Disk

Chance = Callable[[], float]  # from 0, all of it is lost, to 1, all of it is there
LOST: Chance = lambda: 0.0  # noqa: E731
KEPT: Chance = lambda: 1.0  # noqa: E731


class Dead(BaseException):
    """The process ended here."""


@dataclass(frozen=True, slots=True)
class _Write:
    offset: int
    data: bytes

    def on(self, content: bytearray, share: float) -> None:
        data = self.data[: round(len(self.data) * share)]
        if data:
            content.extend(bytes(max(0, self.offset - len(content))))
            content[self.offset : self.offset + len(data)] = data


@dataclass(frozen=True, slots=True)
class _Cut:
    size_bytes: int

    def on(self, content: bytearray, share: float) -> None:
        if share >= 0.5:
            del content[self.size_bytes :]


@dataclass(slots=True)
class _File:
    sure: bytes = b""
    since: list[_Write | _Cut] = field(default_factory=list)

    def sync(self) -> None:
        self.sure, self.since = self.after(KEPT), []

    def after(self, chance: Chance) -> bytes:
        content = bytearray(self.sure)
        for change in self.since:
            change.on(content, chance())
        return bytes(content)


@dataclass(slots=True)
class _Folder:
    sure: dict[str, "_Node"] = field(default_factory=dict)
    now: dict[str, "_Node"] = field(default_factory=dict)
    since: list[tuple[str, "_Node | None"]] = field(default_factory=list)

    def name(self, name: str, node: "_Node | None") -> None:
        self.since.append((name, node))
        if node is None:
            self.now.pop(name, None)
        else:
            self.now[name] = node

    def sync(self) -> None:
        self.sure, self.since = dict(self.now), []

    def after(self, chance: Chance) -> dict[str, "_Node"]:
        names = dict(self.sure)
        for name, node in self.since:
            if chance() < 0.5:
                continue
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node
        return names


_Node = _File | _Folder


class PowerDisk(Disk):
    """Works below ``root``, and knows what a power cut would leave there. Dies at operation ``at``; ``trace`` has all.

    A process that dies in a write has done half of it.
    """

    def __init__(self, root: Path, at: int = -1) -> None:
        super().__init__()
        self.operations = 0
        self.trace: list[tuple[str, str]] = []
        self._at = at
        self._counting = Lock()  # protects ``operations``: salts are synced in a thread of their own
        self._root = root
        self._top = _read(root)
        self._opened: dict[tuple[int, int], _File] = {}

    def power_cut(self, target: Path, chance: Chance) -> None:
        """Lay out in ``target`` what is left."""
        _write(self._top, target, chance)

    def forget_unsynced(self, descriptor: int) -> None:
        """What the kernel does with what it could not write."""
        self._opened[_identity(descriptor)].since.clear()

    def open_append(self, path: Path) -> int:
        descriptor = super().open_append(path)
        folder = self._folder(path.parent)
        node = folder.now.get(path.name)
        if node is None:
            node = _File()
            folder.name(path.name, node)
        assert isinstance(node, _File)
        self._opened[_identity(descriptor)] = node
        return descriptor

    def append(self, descriptor: int, data: bytes) -> None:
        file = self._opened[_identity(descriptor)]
        self._write_in(file, os.fstat(descriptor).st_size, data, lambda part: os.write(descriptor, part))
        self._tell("append", path_of(descriptor))

    def overwrite(self, path: Path, data: bytes, offset: int) -> None:
        if not path.exists():
            os.close(self.open_append(path))
        self._write_in(self._file(path), offset, data, lambda part: Disk.overwrite(self, path, part, offset))
        self._tell("overwrite", str(path))

    def sync(self, descriptor: int) -> None:
        self._step()
        self._opened[_identity(descriptor)].sync()
        self._tell("sync", path_of(descriptor))

    def cut(self, descriptor: int, size_bytes: int) -> None:
        self._step()
        super().cut(descriptor, size_bytes)
        self._opened[_identity(descriptor)].since.append(_Cut(size_bytes))
        self._tell("cut", path_of(descriptor))

    def write_whole(self, path: Path, data: bytes) -> None:
        folder = self._folder(path.parent)
        node = folder.now.get(path.name)
        if node is None:
            self._step()
            node = _File()
            folder.name(path.name, node)
            path.touch(0o600)
        assert isinstance(node, _File)
        os.truncate(path, 0)
        node.since.append(_Cut(0))
        self._write_in(node, 0, data, path.write_bytes)
        self._step()
        self._sync_whole(node)
        self._tell("write", str(path))

    def write_all(self, files: Iterable[tuple[Path, bytes]]) -> None:
        for path, data in files:  # one after the other, so that operations have an order
            self.write_whole(path, data)

    def rename(self, source: Path, target: Path) -> None:
        self._step()
        node = self._folder(source.parent).now[source.name]
        super().rename(source, target)
        self._folder(target.parent).name(target.name, node)
        self._folder(source.parent).name(source.name, None)
        self._tell("rename", str(target))

    def add_directory(self, path: Path) -> None:
        self._step()
        super().add_directory(path)
        self._folder(path.parent).name(path.name, _Folder())

    def sync_directory(self, path: Path) -> None:
        self._step()
        self._folder(path).sync()
        self._tell("sync", str(path))

    def remove(self, path: Path) -> None:
        self._step()
        super().remove(path)
        self._folder(path.parent).name(path.name, None)

    def remove_directory(self, path: Path) -> None:
        self._step()
        super().remove_directory(path)
        self._folder(path.parent).name(path.name, None)

    def _sync_whole(self, node: _File) -> None:
        node.sync()

    def _write_in(self, file: _File, offset: int, data: bytes, write: Callable[[bytes], object]) -> None:
        dies = self._dies()
        if dies:
            data = data[: len(data) // 2]
        write(data)
        file.since.append(_Write(offset, data))
        if dies:
            raise Dead

    def _step(self) -> None:
        if self._dies():
            raise Dead

    def _dies(self) -> bool:
        with self._counting:
            self.operations += 1
            return self.operations == self._at

    def _tell(self, what: str, path: str) -> None:
        self.trace.append((what, str(Path(path).relative_to(self._root)) if path != str(self._root) else "."))

    def _folder(self, path: Path) -> _Folder:
        node: _Node = self._top
        for name in path.relative_to(self._root).parts:
            assert isinstance(node, _Folder)
            node = node.now[name]
        assert isinstance(node, _Folder)
        return node

    def _file(self, path: Path) -> _File:
        node = self._folder(path.parent).now[path.name]
        assert isinstance(node, _File)
        return node


def chances(seed: int) -> Chance:
    """Each change all there, not there, or there in part; the same for the same seed."""
    random = Random(seed)  # noqa: S311 - no secret
    return lambda: random.choice((0.0, 1.0, random.random()))


def path_of(descriptor: int) -> str:
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def _identity(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


def _read(path: Path) -> _Folder:
    """What lies there was synced."""
    nodes: dict[str, _Node] = {
        child.name: _read(child) if child.is_dir() else _File(sure=child.read_bytes()) for child in path.iterdir()
    }
    return _Folder(sure=nodes, now=dict(nodes))


def _write(folder: _Folder, path: Path, chance: Chance) -> None:
    path.mkdir()
    for name, node in folder.after(chance).items():
        if isinstance(node, _Folder):
            _write(node, path / name, chance)
        else:
            (path / name).write_bytes(node.after(chance))
