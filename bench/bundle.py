# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.bundle [MiB] [DIR]``: what a bundle costs, as ratios to a plain copy and a hash of the same bytes.

Every figure is the best of rounds that take turns, on a model that lies in the page cache. All of them end when what
they wrote is on disk, the plain copy too, so a ratio is also the disk's: DIR says which. Where the file system shares
blocks, a folder costs next to nothing.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from tests.gguf_builder import Gguf, Tensor

from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Trust, Vault
from freehold.vault.bundle import Asked, Terms, Wanted

_ROUNDS = 5
_MIB = 2**20
_TARGET = 0.7
_PLAIN = "a plain copy, and a hash of it"


def main(size_mib: int = 256, directory: Path | None = None) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="freehold-bench-", dir=directory) as folder:
        measures = _measures(Path(folder), size_mib)
        times_s: dict[str, list[float]] = {name: [] for name in measures}
        for _ in range(_ROUNDS):
            for name, measure in measures.items():
                times_s[name].append(_timed(measure))
        print(f"{size_mib} MiB in {folder}; best of {_ROUNDS} rounds")
        plain_s = min(times_s[_PLAIN])
        for name, samples in times_s.items():
            ratio, pace = plain_s / min(samples), size_mib * _MIB / min(samples) / 1e6
            bound = "" if name == _PLAIN else f"  >= {_TARGET}: {'met' if ratio >= _TARGET else 'missed'}"
            print(f"{name:32}  {min(samples):7.3f} s  {pace:7.0f} MB/s  {ratio:6.2f}{bound}")


def _measures(folder: Path, size_mib: int) -> dict[str, Callable[[], None]]:
    own = EllipticSigner(ec.generate_private_key(ec.SECP256R1()))
    source, vault = _model(folder / "model.gguf", size_mib), Vault(folder / "vault", signer=lambda: own)
    vault.import_model(str(source), "model")
    whole = vault.bundles.pack(Wanted(origin="freehold.local/bench", models=["model"]), own)
    terms = Terms(trust=Trust(), at=datetime.now(UTC), keys=(own.verifier,))
    rounds = count()
    for name, as_folder in (("bundle.tar", False), ("bundle", True)):
        vault.bundles.write(whole, folder / name, as_folder=as_folder)

    def export(*, as_folder: bool) -> None:
        place = folder / f"export-{next(rounds)}"
        vault.bundles.write(whole, place, as_folder=as_folder)
        shutil.rmtree(place) if as_folder else place.unlink()

    def take_in(name: str) -> None:
        place = folder / f"import-{next(rounds)}"
        with Vault(place).bundles.staged(folder / name, Asked(terms=terms)) as staged:
            staged.commit(own)
        shutil.rmtree(place)

    return {
        _PLAIN: lambda: _copy_and_hash(source, folder / "copy"),
        "export, a tar": lambda: export(as_folder=False),
        "export, a folder": lambda: export(as_folder=True),
        "import of a tar": lambda: take_in("bundle.tar"),
        "import of a folder": lambda: take_in("bundle"),
    }


def _model(path: Path, size_mib: int) -> Path:
    """A sound GGUF file of that size, whose bytes do not repeat."""
    head = Gguf(tensors=(Tensor("token_embd.weight", (1024, size_mib * 256)),)).header()
    block = os.urandom(_MIB)
    with path.open("wb") as file:
        file.write(head.ljust(-(-len(head) // 32) * 32, b"\0"))
        for number in range(size_mib):
            file.write(block[number:] + block[:number])
    os.sync()
    return path


def _copy_and_hash(source: Path, copy: Path) -> None:
    shutil.copyfile(source, copy)
    with copy.open("rb") as file:
        os.fsync(file.fileno())
        hashlib.file_digest(file, "sha256")
    copy.unlink()


def _timed(measure: Callable[[], None]) -> float:
    begun_s = time.perf_counter()
    measure()
    return time.perf_counter() - begun_s


if __name__ == "__main__":
    size, *place = sys.argv[1:] or ["256"]
    main(int(size), Path(place[0]) if place else None)
