# SPDX-License-Identifier: Apache-2.0
"""The list of models in OpenAI's shape, with the fields that Mistral's SDK needs to read the same list."""

from collections.abc import Sequence
from typing import Any

import msgspec


def models(names: Sequence[str], created_unix: int) -> bytes:
    return msgspec.json.encode({"object": "list", "data": [_card(name, created_unix) for name in names]})


def model(name: str, created_unix: int) -> bytes:
    return msgspec.json.encode(_card(name, created_unix))


def _card(name: str, created_unix: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": created_unix,
        "owned_by": "freehold",
        # What follows is Mistral's. A name may stand for several targets, so nothing is promised but chat.
        "type": "base",
        "name": name,
        "aliases": [],
        "capabilities": {"completion_chat": True},
    }
