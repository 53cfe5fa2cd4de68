# SPDX-License-Identifier: Apache-2.0
"""An import of a bundle that is killed, interrupted or out of disk at any operation on a file: all, or nothing."""

import errno
import os
import shutil
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import NoReturn

import pytest
from tests.bundle_builder import Builder, tar_of
from tests.vault_builder import AT, signer

from freehold.errors import VaultError
from freehold.vault import Trust, Vault
from freehold.vault.bundle import Asked, Terms
from freehold.vault.together import Move

OWN, EXPORTER = signer(), signer()
TERMS = Terms(trust=Trust(estate=OWN.verifier), at=AT, keys=(EXPORTER.verifier,))
_CHANGES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree"})
_DIED = 9
Snapshot = dict[str, bytes]


def snapshot(estate: Path) -> Snapshot:
    """What counts in an estate: not the lock, nor what is still on its way in."""
    files = [path for path in estate.rglob("*") if path.is_file() and "incoming" not in path.parts]
    return {str(path.relative_to(estate)): path.read_bytes() for path in files if path.name != "lock"}


def take_in(estate: Path, bundle: Path) -> None:
    others = [
        Move(place=estate / "facts" / "new.yaml", content=b"new"),
        Move(place=estate / "policies" / "own.cedar", content=b"theirs"),
    ]
    vault = Vault(estate / "vault", signer=lambda: OWN)
    with vault.bundles.staged(bundle, Asked(terms=TERMS)) as staged:
        staged.commit(OWN, others)


def at_operation(number: int, strike: Callable[[], None]) -> Callable[[], bool]:
    """Have the n-th operation that changes a file strike instead; whether it came to that. For this process, which
    cannot take it back.
    """
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        flags = arguments[2] if event == "open" else 0
        if event in _CHANGES or (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR)):
            seen += 1
            if seen == number:
                strike()

    sys.addaudithook(hook)
    return lambda: seen >= number


def die() -> NoReturn:
    os._exit(_DIED)


def interrupt() -> NoReturn:
    raise KeyboardInterrupt


def fill_up() -> NoReturn:
    raise OSError(errno.ENOSPC, "no space")


def struck(estate: Path, bundle: Path, number: int, strike: Callable[[], None]) -> int:
    """Take the bundle in within a process of its own: 0 if nothing struck it."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            came_to_it = at_operation(number, strike)
            take_in(estate, bundle)
            code = 3 if came_to_it() else 0  # some operations may fail
        except (KeyboardInterrupt, VaultError, OSError):
            code = 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize(("strike", "step"), [(die, 1), (fill_up, 1), (interrupt, 3)])
def test_wherever_it_is_struck_the_estate_is_as_before_or_has_all(
    strike: Callable[[], None], step: int, tmp_path: Path
) -> None:
    bundle, fresh = tmp_path / "bundle.tar", tmp_path / "fresh"
    bundle.write_bytes(tar_of(Builder(EXPORTER).build()))
    (fresh / "policies").mkdir(parents=True)
    (fresh / "policies" / "own.cedar").write_bytes(b"ours")
    (fresh / "vault").mkdir()
    before, done = snapshot(fresh), tmp_path / "done"
    shutil.copytree(fresh, done)
    take_in(done, bundle)
    after, met = snapshot(done), set[str]()
    for number in count(1, step):
        estate = tmp_path / "estate"
        shutil.copytree(fresh, estate)
        code = struck(estate, bundle, number, strike)
        Vault(estate / "vault").settle()  # as the next start does, and any other import
        found = snapshot(estate)
        assert found in (before, after), f"struck at operation {number}"
        met.add("before" if found == before else "after")
        if code == 0:
            break
        take_in(estate, bundle)
        assert snapshot(estate) == after, f"struck at operation {number}, and taken in again"
        shutil.rmtree(estate)
    assert met == {"before", "after"}
    assert number > 40
