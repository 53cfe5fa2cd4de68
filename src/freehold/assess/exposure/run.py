# SPDX-License-Identifier: Apache-2.0
"""All files, on all processors that this process may use. So many files at a time, and nothing kept but findings."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import chain, islice
from multiprocessing import get_context
from typing import Final

from freehold.assess.exposure.files import Files
from freehold.assess.exposure.finding import Read, Trouble
from freehold.assess.exposure.knowledge import load_knowledge
from freehold.assess.exposure.walk import Place

FEW: Final = 400  # files that are read sooner by one process than two are started
_AT_ONCE: Final = 64  # files of one task
_WAITING: Final = 8  # tasks for each process

Hosts = tuple[tuple[str, str, str], ...]
_files: Files | None = None  # of a worker process, made once


def read_all(places: Iterable[Place], hosts: Hosts, *, processes: int | None = None) -> Iterator[Read]:
    """What each file came to, in the order of the files. ``hosts`` are the register's: name, provider, source."""
    waiting = iter(places)
    first = list(islice(waiting, FEW))
    workers = processes or len(os.sched_getaffinity(0))
    if len(first) < FEW or workers < 2:
        yield from _in_this_process(first, waiting, hosts)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _prepare, (hosts,)) as pool:
        tasks = _tasks(first, waiting)
        under_way = [pool.submit(_read, task) for task in islice(tasks, workers * _WAITING)]
        while under_way:
            done = under_way.pop(0)
            yield from done.result()
            if (task := next(tasks, None)) is not None:
                under_way.append(pool.submit(_read, task))


def _in_this_process(first: list[Place], rest: Iterator[Place], hosts: Hosts) -> Iterator[Read]:
    files = _files_with(hosts)
    for place in chain(first, rest):
        yield _read_one(files, place)


def _tasks(first: list[Place], rest: Iterator[Place]) -> Iterator[list[Place]]:
    for start in range(0, len(first), _AT_ONCE):
        yield first[start : start + _AT_ONCE]
    while task := list(islice(rest, _AT_ONCE)):
        yield task


def _prepare(hosts: Hosts) -> None:
    global _files  # noqa: PLW0603 - a worker has nowhere else to keep it
    _files = _files_with(hosts)


@lru_cache(maxsize=2)
def _files_with(hosts: Hosts) -> Files:
    return Files(load_knowledge(hosts))


def _read(places: list[Place]) -> list[Read]:
    assert _files is not None, "a worker reads before it was prepared"  # noqa: S101 - a bug
    return [_read_one(_files, place) for place in places]


def _read_one(files: Files, place: Place) -> Read:
    """The top of the loop over files of anybody: none of them may end it, and none is dropped without a word."""
    try:
        return files.read(place)
    except Exception:  # noqa: BLE001 - a bug in a reader; it is said in the report, by the file
        return Read(troubles=(Trouble(file=place.name, what="was given up, which is a fault of Freehold: report it"),))
