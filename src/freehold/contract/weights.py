# SPDX-License-Identifier: Apache-2.0
"""Weights that may run. Only ``vault/verify.py`` makes this value, after the file was read and its digest matched."""

from dataclasses import dataclass
from pathlib import Path

from freehold.contract.backend import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedWeights:
    """An open descriptor of the very file whose digest was checked. Whoever takes the value closes ``fd``."""

    model: Model
    path: Path
    fd: int
    size_bytes: int
    context_train_tokens: int
    chat_template: str
    kv_bytes_per_token: int = 0  # what one token of context costs, keys and values at 16 bits; 0: the file does not say
