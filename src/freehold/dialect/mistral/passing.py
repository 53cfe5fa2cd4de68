# SPDX-License-Identifier: Apache-2.0
"""Mistral's chat and fill-in-the-middle for callers who speak Mistral: handed on as they are, both ways.

Its streams have their usage in the last chunk, unasked; so nothing but the model's name is replaced.
"""

from freehold.dialect.interface import Backend, Exchange, Request, Wire
from freehold.dialect.openai.passing import Passed, own_words


def pass_chat(request: Request, backend: Backend) -> Exchange:
    """Raises Unsupported where the API has no chat in Mistral's words."""
    return Passed(own_words(request, backend, Wire.MISTRAL_CHAT, {}))


def pass_fim(request: Request, backend: Backend) -> Exchange:
    """Raises Unsupported where the API cannot fill in the middle."""
    return Passed(own_words(request, backend, Wire.FIM, {}))
