# SPDX-License-Identifier: Apache-2.0
"""Weights that may run. Only ``vault/verify.py`` makes this value: vouched for, and every file what was imported."""

import os
from dataclasses import dataclass
from enum import StrEnum

from freehold.contract.backend import Model


class Assurance(StrEnum):
    """How it is known that the files are what was imported, and whether they could still change under an engine."""

    SEALED = "sealed"  # the file system vouches for every byte at every read (fs-verity), and refuses any change
    READ = "read"  # they were read whole just now; a change in place since then cannot be excluded
    UNCHANGED = "unchanged"  # not read again, because nothing says that they changed ([vault] recheck = "changed")


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedFile:
    """One file of a model, open for reading: the very file that was checked."""

    path: str  # its place in the model
    fd: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedWeights:
    """Open descriptors of the very files that were checked. Whoever takes the value closes it."""

    model: Model
    format: str  # gguf | safetensors
    files: tuple[VerifiedFile, ...]  # those that hold tensors first
    context_train_tokens: int
    chat_template: str
    kv_bytes_per_token: int = 0  # what one token of context costs, keys and values at 16 bits; 0: the file does not say
    embeds: bool = False  # it makes one vector of a text, and no text
    assurance: Assurance = Assurance.READ
    standing: str = ""  # why it may run, for a person

    @property
    def fd(self) -> int:
        """Of the file that an engine loads which takes a single one."""
        return self.files[0].fd

    @property
    def fds(self) -> tuple[int, ...]:
        return tuple(file.fd for file in self.files)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def close(self) -> None:
        """Close every descriptor, once."""
        for fd in self.fds:
            os.close(fd)
