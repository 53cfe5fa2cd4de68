# SPDX-License-Identifier: Apache-2.0
"""One call: what a caller asked for, before anything was decided about it."""

from enum import IntEnum, StrEnum

from freehold.contract.value import value


class Dialect(StrEnum):
    """The vendors' wire formats."""

    OPENAI = "openai"
    RESPONSES = "openai-responses"
    ANTHROPIC = "anthropic"
    MISTRAL = "mistral"


class Operation(StrEnum):
    """What a call does with a model. Each shows it content, so each is decided and recorded."""

    CHAT = "chat"
    COMPLETION = "completion"
    FIM = "fim"
    COUNT_TOKENS = "count_tokens"
    EMBED = "embed"


class DataClass(IntEnum):
    """How much harm a disclosure does. Ordered: what counts is the highest of key, service, header and detector."""

    PUBLIC = 0
    INTERNAL = 1
    PERSONAL = 2
    RESTRICTED = 3


@value
class Call:
    """An authenticated, well-formed request for a service. ``body`` is kept as it came."""

    id: str
    dialect: Dialect
    operation: Operation
    asked: str  # the name in the caller's `model`
    service: str  # the service that answers to it
    key_id: str
    data_class: DataClass
    stream: bool
    body: bytes
