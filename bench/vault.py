# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.vault [MiB] [DIR]``: what custody costs, as ratios to hashing the same file alone.

Every figure is the best of rounds that take turns, on a file that lies in the page cache. An import ends when all of it
is on disk, so its ratio is also the disk's: DIR says which. Where the file system shares blocks, there is no copy. On a
machine with other work the times are chance; the seconds of processor, of all threads together, are not.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from tests.gguf_builder import Gguf, Tensor

from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Trust, Vault
from freehold.vault.trust import Mode, Rule

_ROUNDS = 15
_MIB = 2**20
_TARGET = 0.85


def main(size_mib: int = 256, directory: Path | None = None) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory(prefix="freehold-bench-", dir=directory) as folder:
        source = _model(Path(folder) / "model.gguf", size_mib)
        measures = _measures(source, Path(folder))
        times_s: dict[str, list[tuple[float, float]]] = {name: [] for name in measures}
        for _ in range(_ROUNDS):
            for name, measure in measures.items():
                times_s[name].append(_timed(measure))
            for made in Path(folder).glob("vault-*"):
                shutil.rmtree(made)
    alone_s = min(took_s for took_s, _ in times_s["hashing alone"])
    print(f"{size_mib} MiB in {folder}; best of {_ROUNDS} rounds")
    for name, samples in times_s.items():
        took_s, processor_s = (min(column) for column in zip(*samples, strict=True))
        ratio, pace = alone_s / took_s, size_mib * _MIB / took_s / 1e6
        bound = "" if name == "hashing alone" else f"  >= {_TARGET}: {'met' if ratio >= _TARGET else 'missed'}"
        print(f"{name:28}  {took_s:7.3f} s  {pace:7.0f} MB/s  {processor_s:7.3f} s of processor  {ratio:6.2f}{bound}")


def _model(path: Path, size_mib: int) -> Path:
    """A sound GGUF file of that size, whose bytes do not repeat."""
    model = Gguf(tensors=(Tensor("token_embd.weight", (1024, size_mib * 256)),))
    head = model.header()
    block = os.urandom(_MIB)
    with path.open("wb") as file:
        file.write(head.ljust(-(-len(head) // 32) * 32, b"\0"))
        for number in range(size_mib):
            file.write(block[number:] + block[:number])
    os.sync()
    return path


def _measures(source: Path, folder: Path) -> dict[str, Callable[[], None]]:
    own = EllipticSigner(ec.generate_private_key(ec.SECP256R1()))
    trust = Trust(rules=(Rule(name="all", match=("*",), mode=Mode.OFF),), estate=own.verifier)
    vault = Vault(folder / "vault", signer=lambda: own)
    vault.import_model(str(source), "model")
    rounds = count()

    def bring_in() -> None:
        Vault(folder / f"vault-{next(rounds)}", signer=lambda: own).import_model(str(source), "model")

    def load(*, recheck_all: bool) -> None:
        vault.open_verified("model", trust, recheck_all=recheck_all).close()

    return {
        "hashing alone": lambda: _hash(source),
        "import": bring_in,
        "verification at a load": lambda: load(recheck_all=True),
        "the same, looking unchanged": lambda: load(recheck_all=False),
    }


def _hash(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")


def _timed(measure: Callable[[], None]) -> tuple[float, float]:
    """Seconds that passed, and seconds of processor."""
    begun_s, processor_s = time.perf_counter(), time.process_time()
    measure()
    return time.perf_counter() - begun_s, time.process_time() - processor_s


if __name__ == "__main__":
    size, *place = sys.argv[1:] or ["256"]
    main(int(size), Path(place[0]) if place else None)
