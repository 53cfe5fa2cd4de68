# SPDX-License-Identifier: Apache-2.0
"""Every dialect's codec."""

from collections.abc import Mapping
from types import MappingProxyType

from freehold.contract.call import Dialect
from freehold.dialect.anthropic.codec import AnthropicCodec
from freehold.dialect.interface import Codec
from freehold.dialect.mistral.codec import MistralCodec
from freehold.dialect.openai.codec import OpenAICodec
from freehold.dialect.responses.codec import ResponsesCodec

codecs: Mapping[Dialect, Codec] = MappingProxyType(
    {
        Dialect.OPENAI: OpenAICodec(),
        Dialect.RESPONSES: ResponsesCodec(),
        Dialect.ANTHROPIC: AnthropicCodec(),
        Dialect.MISTRAL: MistralCodec(),
    }
)
