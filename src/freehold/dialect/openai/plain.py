# SPDX-License-Identifier: Apache-2.0
"""Most chat requests are texts in turn, and a bound or two. Such a one is read in one step, for a fifth of the cost.

Whatever has more, or is not as it should be, is ``chat.py``'s. Both make the same of what both can read: a test has
them read the same requests.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from freehold.contract.call import Operation
from freehold.dialect.fields import MAX_TOKENS
from freehold.dialect.openai.chat import OpenAIRequest
from freehold.dialect.tools import ToolPlan

_NO_TOOLS: Final = ToolPlan()
_IN_CHAT_WORDS: Final = frozenset({"messages", "max_tokens", "temperature", "top_p"})


class _Message(Struct, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant"]
    content: str


class _Plain(Struct, forbid_unknown_fields=True):
    model: Annotated[str, Meta(pattern=r"\S")]
    messages: Annotated[list[_Message], Meta(min_length=1)]
    stream: bool | None = None
    max_tokens: Annotated[int, Meta(ge=1, le=MAX_TOKENS)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None


def read_plain(fields: dict[str, Any]) -> OpenAIRequest | None:
    """The request, if it has nothing but what most have."""
    try:
        plain = msgspec.convert(fields, _Plain)
    except msgspec.ValidationError:
        return None
    wire = {name: value for name, value in fields.items() if name in _IN_CHAT_WORDS and value is not None}
    return OpenAIRequest(
        operation=Operation.CHAT,
        asked=plain.model,
        stream=plain.stream or False,
        fields=fields,
        body=wire,
        tools=_NO_TOOLS,
    )
