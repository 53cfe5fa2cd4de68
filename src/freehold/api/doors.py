# SPDX-License-Identifier: Apache-2.0
"""The public endpoints: which path is which operation, and in which dialect the caller speaks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.contract.call import Dialect, Operation


@dataclass(frozen=True, slots=True)
class Door:
    """One endpoint for calls."""

    operation: Operation
    dialect: Dialect


DOORS: Mapping[str, Door] = {
    "/v1/chat/completions": Door(Operation.CHAT, Dialect.OPENAI),
    "/v1/completions": Door(Operation.COMPLETION, Dialect.OPENAI),
    "/v1/responses": Door(Operation.CHAT, Dialect.RESPONSES),
    "/v1/messages": Door(Operation.CHAT, Dialect.ANTHROPIC),
    "/v1/messages/count_tokens": Door(Operation.COUNT_TOKENS, Dialect.ANTHROPIC),
    "/v1/fim/completions": Door(Operation.FIM, Dialect.MISTRAL),
    "/v1/embeddings": Door(Operation.EMBED, Dialect.OPENAI),
}
MODELS = "/v1/models"
RECEIPTS = "/freehold/receipts/"
HEALTH = "/healthz"
READY = "/readyz"

# OpenAI and Mistral share two paths. These are Mistral's alone; a quote inside a JSON string would be escaped, so none
# can stand in somebody's prompt.
_MISTRAL_MARK = re.compile(
    rb'"(?:random_seed"|safe_prompt"|prompt_mode"|prefix": ?true|output_dimension"|output_dtype")'
)
_SHARED = frozenset({"/v1/chat/completions", "/v1/embeddings"})


def dialect_of(path: str, headers: Mapping[str, str], body: bytes = b"") -> Dialect:
    """The dialect in which the caller expects to be answered, a refusal or an error too."""
    door = DOORS.get(path)
    if door is not None and path not in _SHARED:
        return door.dialect
    if door is None and "anthropic-version" in headers:
        return Dialect.ANTHROPIC
    if "mistral" in headers.get("user-agent", "").lower() or _MISTRAL_MARK.search(body):
        return Dialect.MISTRAL
    return Dialect.OPENAI
