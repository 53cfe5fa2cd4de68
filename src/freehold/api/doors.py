# SPDX-License-Identifier: Apache-2.0
"""The public endpoints: which path is which operation, and in which dialect the caller speaks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from freehold.contract.call import Dialect, Operation
from freehold.dialect.document import read_object
from freehold.errors import InvalidRequest


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

# OpenAI and Mistral share two paths, and these fields are Mistral's alone. A tool's argument may have such a name, and
# a text may be such a word: where one stands at all, the body is read to see where.
_MISTRALS_OWN = frozenset({"random_seed", "safe_prompt", "prompt_mode", "output_dimension", "output_dtype"})
_MISTRAL_MARK = re.compile(
    rb'"(?:%b)"|"prefix"\s*:\s*true|"tool_choice"\s*:\s*"any"' % "|".join(sorted(_MISTRALS_OWN)).encode()
)
_SHARED = frozenset({"/v1/chat/completions", "/v1/embeddings"})


def dialect_of(path: str, headers: Mapping[str, str], body: bytes = b"") -> Dialect:
    """The dialect in which the caller expects to be answered, a refusal or an error too."""
    door = DOORS.get(path)
    if door is not None and path not in _SHARED:
        return door.dialect
    if door is None and "anthropic-version" in headers:
        return Dialect.ANTHROPIC
    if "mistral" in headers.get("user-agent", "").lower() or _is_mistrals(body):
        return Dialect.MISTRAL
    return Dialect.OPENAI


def _is_mistrals(body: bytes) -> bool:
    """Whether it has what only Mistral knows, where Mistral has it. A body that cannot be read has nothing."""
    if not _MISTRAL_MARK.search(body):
        return False
    try:
        fields = read_object(body)
    except InvalidRequest:
        return False
    if _MISTRALS_OWN & fields.keys() or fields.get("tool_choice") == "any":
        return True
    messages = fields.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return isinstance(last, dict) and last.get("prefix") is True
