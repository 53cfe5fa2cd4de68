# SPDX-License-Identifier: Apache-2.0
"""Mutated models, made from a seed so that each can be made again: ``make fuzz-vault`` reads 10,000 of them.

Each must be read or refused in the vault's own words, within a bound of time and memory, and none that differs from
the model that was imported may load under its name. The first that breaks this stops the run and is written out.
"""

import argparse
import json
import os
import random
import struct
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

from tests.gguf_builder import ARRAY, STRING, UINT32, Gguf, Tensor, Value, array, number, string, text, u32
from tests.safetensors_builder import Safetensors, row
from tests.vault_builder import AT, FolderResolver, signer, write_files

from freehold.contract.grant import Allowance, Errand
from freehold.contract.licence import LicenceBook, ModelOrigin
from freehold.errors import VaultError, VerificationFailed
from freehold.vault import Trust, Vault
from freehold.vault.hashing import silent
from freehold.vault.importing import Importer, make_order
from freehold.vault.inspect import Inspection, inspect
from freehold.vault.store import Store
from freehold.vault.trust import Mode, Rule

_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 2**26, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1)
_SPLICES = (
    b"",
    b"{",
    b"}",
    b"[",
    b'"',
    b"\\u0000",
    b"1e999",
    b"NaN",
    b"null",
    b"-1",
    b"GGUF",
    b"PK\x03\x04",
    b"{%",
    b"{{",
)
_CONFIG = b'{"model_type": "llama"}'
_LONGEST_S = 5.0
_MOST_BYTES = 64 * 2**20

Mutation = Callable[[random.Random, bytearray], None]


def originals() -> dict[str, bytes]:
    """Sound files of models, by their names there."""
    macro = "{% macro show(m) %}{{ m.role }}: {{ m['content'] }}{% endmacro %}"
    template = macro + "{% for message in messages %}{{ show(message) }}{% endfor %}"
    tokens = Value(ARRAY, array(STRING, *[string(f"token-{index}") for index in range(50)]))
    many = tuple(Tensor(f"blk.{index}.weight", (8, index + 1)) for index in range(12))
    return {
        "plain.gguf": Gguf().build(),
        "version-2.gguf": Gguf(version=2).build(),
        "rich.gguf": Gguf(tensors=many)
        .with_value("tokenizer.chat_template", text(template))
        .with_value("tokenizer.chat_template.tools", text("{% if tools %}{{ tools | tojson }}{% endif %}"))
        .with_value("tokenizer.ggml.tokens", tokens)
        .with_value("general.base_model.0.repo_url", text("https://example.org/base/model"))
        .with_value("llama.attention.head_count_kv", Value(ARRAY, array(UINT32, u32(1), u32(2))))
        .with_value("general.alignment", number(32))
        .build(),
        "model.safetensors": Safetensors().build(),
        "many.safetensors": Safetensors(
            rows={f"layer.{index}": row(index * 16, index * 16 + 16, (2, 2)) for index in range(40)}, data_bytes=640
        ).build(),
        "chat_template.jinja": template.encode(),
        "tokenizer_config.json": json.dumps({"chat_template": [{"name": "default", "template": template}]}).encode(),
        "README.md": b"---\nlicense: apache-2.0\nbase_model:\n- a/b\n---\n# A model\n",
    }


def mutated(seed: int) -> tuple[str, bytes]:
    """One original's name, and what a seed makes of its bytes; that may be the same."""
    chance = random.Random(seed)  # noqa: S311 - to be made again, not to be guessed
    name, original = chance.choice(sorted(originals().items()))
    content = bytearray(original)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        if content:
            chance.choice(_MUTATIONS)(chance, content)
    return name, bytes(content)


def look(name: str, content: bytes) -> Inspection:
    """Inspect one file as if it were all of a model."""
    fd = os.memfd_create("mutated")
    try:
        os.write(fd, content)
        file = SimpleNamespace(fd=fd, size_bytes=len(content))
        return inspect({name: file}, origin=ModelOrigin(), book=LicenceBook())
    finally:
        os.close(fd)


class Custody:
    """A vault that holds one sound model, whose file is replaced again and again."""

    def __init__(self, folder: Path, name: str, original: bytes) -> None:
        own, store = signer(), Store(folder / "vault")
        beside = {} if name.endswith(".gguf") else {"config.json": _CONFIG, "model.safetensors": Safetensors().build()}
        order = make_order(str(write_files(folder / "source", {**beside, name: original})), name="model", sha256=None)
        works = Importer(store, resolve=FolderResolver(), now=lambda: AT, signer=lambda: own)
        manifest = works.run(order, silent, _nobody, Trust()).manifest
        self._trust = Trust(rules=(Rule(name="any", match=("*",), mode=Mode.OFF),), estate=own.verifier)
        self._vault = Vault(folder / "vault")
        self._original = original
        self._blob = store.blob_path(next(file.digest for file in manifest.files if file.path == name))

    def loads(self, content: bytes) -> bool:
        """Whether the model loads with ``content`` in the place of its file."""
        self._blob.unlink()
        self._blob.write_bytes(content)
        try:
            weights = self._vault.open_verified("model", self._trust)
        except (VaultError, VerificationFailed):
            return False
        for file in weights.files:
            os.close(file.fd)
        return True

    def holds(self, content: bytes) -> bool:
        """Whether exactly the original loads."""
        return self.loads(content) == (content == self._original)


def _nobody(errand: Errand) -> Allowance:
    raise AssertionError(f"a mutation contacts {errand}")


def _flip(chance: random.Random, content: bytearray) -> None:
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, content: bytearray) -> None:
    content[chance.randrange(len(content))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, ord('"'), ord("{"), ord("\\")))


def _claim(chance: random.Random, content: bytearray) -> None:
    """An extreme number where one of that size may stand."""
    layout = chance.choice(("<H", "<I", "<Q"))
    size = struct.calcsize(layout)
    if len(content) >= size:
        place = chance.randrange(len(content) - size + 1)
        content[place : place + size] = struct.pack(layout, chance.choice(_EXTREMES) % 2 ** (8 * size))


def _cut(chance: random.Random, content: bytearray) -> None:
    del content[chance.randrange(len(content)) :]


def _drop(chance: random.Random, content: bytearray) -> None:
    place = chance.randrange(len(content))
    del content[place : place + chance.randrange(1, 40)]


def _repeat(chance: random.Random, content: bytearray) -> None:
    place, length = chance.randrange(len(content)), chance.randrange(1, 200)
    content[place:place] = content[place : place + length] * chance.choice((1, 1, 2, 50))


def _splice(chance: random.Random, content: bytearray) -> None:
    place = chance.randrange(len(content))
    content[place:place] = chance.choice(_SPLICES) * chance.choice((1, 1, 1, 200, 5000))


def _count(chance: random.Random, content: bytearray) -> None:
    """Another digit where a digit stands, as in the shapes and places of a JSON header."""
    digits = [place for place, byte in enumerate(content) if 0x30 <= byte <= 0x39]
    if digits:
        content[chance.choice(digits)] = chance.choice(b"0123456789-.eE")


_MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _set, _claim, _claim, _cut, _drop, _repeat, _splice, _count, _count)


def _run(seeds: Iterator[int], folder: Path) -> tuple[int, float, int]:
    custody = {name: Custody(folder / name, name, content) for name, content in originals().items()}
    passed, longest_s, most_bytes = 0, 0.0, 0
    for seed in seeds:
        name, content = mutated(seed)
        tracemalloc.start()
        begun = time.monotonic()
        try:
            passed += not look(name, content).refused
            spent, peak = time.monotonic() - begun, tracemalloc.get_traced_memory()[1]
        except BaseException:
            _stop(seed, name, content, "broke the reader")
            raise
        finally:
            tracemalloc.stop()
        longest_s, most_bytes = max(longest_s, spent), max(most_bytes, peak)
        if spent > _LONGEST_S or peak > _MOST_BYTES:
            sys.exit(_stop(seed, name, content, f"took {spent:.1f} s and {peak >> 20} MiB"))
        if not custody[name].holds(content):
            sys.exit(_stop(seed, name, content, "loads under the original's name"))
    return passed, longest_s, most_bytes


def _stop(seed: int, name: str, content: bytes, what: str) -> str:
    place = Path(tempfile.gettempdir()) / f"mutated-{seed}-{name}"
    place.write_bytes(content)
    return f"the file of seed {seed}, kept as {place}, {what}"


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--count", type=int, default=10_000)
    reader.add_argument("--first", type=int, default=0, help="the first seed")
    asked = reader.parse_args()
    seeds = range(asked.first, asked.first + asked.count)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        passed, longest_s, most_bytes = _run(iter(seeds), Path(folder))
    sys.stdout.write(
        f"{asked.count} mutated files in {time.monotonic() - begun:.0f} s: {asked.count - passed} refused, "
        f"{passed} read, none loads in place of its original; "
        f"at most {longest_s * 1000:.0f} ms and {most_bytes >> 10} KiB for one\n"
    )


if __name__ == "__main__":
    main()
