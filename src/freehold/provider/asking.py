# SPDX-License-Identifier: Apache-2.0
"""How each API is asked: its wires, where each lies under the base URL, and the headers of a request. Pure.

No header is sent but those that are written here. Of the caller's there is one: the features of Anthropic's API that
its own fields need.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import quote, urlsplit

from freehold.contract.backend import Target
from freehold.contract.call import Dialect
from freehold.contract.endpoint import Endpoint
from freehold.dialect.interface import Backend, Foreign, Upstream, Wire

_WIRES: Final[Mapping[Dialect, tuple[Wire, ...]]] = MappingProxyType(
    {  # the one over which other dialects are translated comes first
        Dialect.OPENAI: (Wire.CHAT, Wire.COMPLETIONS, Wire.EMBEDDINGS),
        Dialect.RESPONSES: (Wire.RESPONSES,),
        Dialect.ANTHROPIC: (Wire.MESSAGES, Wire.COUNT_TOKENS),
        Dialect.MISTRAL: (Wire.MISTRAL_CHAT, Wire.FIM, Wire.MISTRAL_EMBEDDINGS),
    }
)
_PATHS: Final[Mapping[Wire, str]] = MappingProxyType(
    {
        Wire.CHAT: "/chat/completions",
        Wire.COMPLETIONS: "/completions",
        Wire.RESPONSES: "/responses",
        Wire.MESSAGES: "/messages",
        Wire.COUNT_TOKENS: "/messages/count_tokens",
        Wire.MISTRAL_CHAT: "/chat/completions",
        Wire.FIM: "/fim/completions",
        Wire.EMBEDDINGS: "/embeddings",
        Wire.MISTRAL_EMBEDDINGS: "/embeddings",
    }
)
# Anthropic and Mistral publish their base URL without a version, OpenAI and those who follow it with one.
_NEED_VERSION: Final = frozenset(
    {Wire.MESSAGES, Wire.COUNT_TOKENS, Wire.MISTRAL_CHAT, Wire.FIM, Wire.MISTRAL_EMBEDDINGS}
)
_VERSIONED: Final = re.compile(r"/v\d+[a-z0-9]*\Z")
_ANTHROPIC_VERSION: Final = "2023-06-01"
_ANTHROPIC: Final = frozenset({Wire.MESSAGES, Wire.COUNT_TOKENS})
_AZURE: Final = "azure-openai"  # in the register
_AZURE_HOSTS: Final = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
_AZURE_V1: Final = "/openai/v1"


def backend_at(endpoint: Endpoint, target: Target) -> Backend:
    """What an exchange must know of a provider's model."""
    wires = frozenset(wire for dialect in endpoint.dialects for wire in _WIRES[dialect])
    return Backend(
        model=target.model.name,
        wires=wires,
        context_tokens=0,
        tools=True,
        fim=Wire.FIM in wires,
        foreign=Foreign(
            preferred=_WIRES[endpoint.dialects[0]][0],
            prefill=endpoint.prefill,
            answer_tokens=target.answer_tokens,
            max_tokens_name="max_completion_tokens" if _is_openai(endpoint) or is_azure(endpoint) else "max_tokens",
            reasoning=target.reasoning,
        ),
    )


def is_azure(endpoint: Endpoint) -> bool:
    """Whether it is asked as Azure is: with a header of its own, and below paths of its own."""
    return endpoint.provider == _AZURE or bool(endpoint.api_version) or _lies_at_azure(endpoint.base_url)


@lru_cache(maxsize=64)  # of one estate's endpoints, for every call
def _lies_at_azure(base_url: str) -> bool:
    return (urlsplit(base_url).hostname or "").endswith(_AZURE_HOSTS)


def path_of(endpoint: Endpoint, wire: Wire, model: str) -> str:
    """What comes behind the base URL."""
    if is_azure(endpoint) and wire not in _ANTHROPIC:
        return _azure_path(endpoint, wire, model)
    versioned = wire not in _NEED_VERSION or _VERSIONED.search(urlsplit(endpoint.base_url).path)
    return _PATHS[wire] if versioned else f"/v1{_PATHS[wire]}"


def headers_of(endpoint: Endpoint, upstream: Upstream, secret: str) -> dict[str, str]:
    """All that is sent, but for what HTTP itself needs. ``secret``: empty where there is none."""
    headers = {
        "Content-Type": "application/json",
        "Accept": "text/event-stream" if upstream.stream else "application/json",
    }
    if upstream.traceparent and endpoint.gives_traceparent:
        headers["traceparent"] = upstream.traceparent
    if upstream.wire in _ANTHROPIC:
        headers["anthropic-version"] = _ANTHROPIC_VERSION
        if upstream.betas:
            headers["anthropic-beta"] = upstream.betas
    if not secret:
        return headers
    if upstream.wire in _ANTHROPIC:
        headers["x-api-key"] = secret
    elif is_azure(endpoint):
        headers["api-key"] = secret
    else:
        headers["Authorization"] = f"Bearer {secret}"
    return headers


def _is_openai(endpoint: Endpoint) -> bool:
    return endpoint.provider == "openai" or endpoint.host.endswith(".openai.com")


def _azure_path(endpoint: Endpoint, wire: Wire, model: str) -> str:
    """The undated API, unless a date is given and the base URL does not name the undated one."""
    path, version = urlsplit(endpoint.base_url).path, endpoint.api_version
    query = f"?api-version={quote(version, safe='')}" if version else ""
    if path.endswith(_AZURE_V1):
        return _PATHS[wire] + query
    root = "" if path.endswith("/openai") else "/openai"
    if not version:
        return f"{root}/v1{_PATHS[wire]}"
    if wire is Wire.RESPONSES:
        return f"{root}{_PATHS[wire]}{query}"
    return f"{root}/deployments/{quote(model, safe='')}{_PATHS[wire]}{query}"
