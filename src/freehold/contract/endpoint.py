# SPDX-License-Identifier: Apache-2.0
"""How somebody else's API is reached, and how long an answer of it is waited for. No secret is in it."""

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from freehold.contract.call import Dialect

_DEFAULT_PORTS = {"https": 443, "http": 80}


class Prefill(StrEnum):
    """How an API continues an answer that has begun."""

    TEXT = "text"  # from the assistant's last message, as it stands
    PREFIX = "prefix"  # from the assistant's last message, where it is marked
    NONE = "none"  # not at all


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLimits:
    """What bounds one call to a provider. Comments and pings show that it lives, and are no events."""

    connect_s: float = 5.0
    first_event_s: float = 30.0  # of a stream: from the request to the first event
    idle_s: float = 30.0  # without a byte
    whole_answer_s: float = 600.0  # of an answer that is not streamed
    least_events_per_minute: float = 1.0  # 0: any pace will do
    answer_bytes: int = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One provider of the estate. Its name is the one that facts know the operator by."""

    provider: str
    dialects: tuple[Dialect, ...]  # that it speaks, the preferred one first; at least one
    base_url: str  # scheme, host, port and path; without a slash at its end
    key: str = ""  # where the secret is: "env:NAME" or "file:PATH"; empty: none is sent
    prefill: Prefill = Prefill.NONE
    api_version: str = ""  # of Azure's dated API
    tls_ca: str = ""  # a file of the estate with the authority that signs its certificate; empty: the system's
    allow_private: bool = False  # whether it may lie at a private or loopback address
    gives_traceparent: bool = False  # whether it is told which trace a call belongs to
    limits: AnswerLimits = field(default_factory=AnswerLimits)

    @property
    def host(self) -> str:
        """A name, or an address without brackets. In small letters."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.base_url)
        return parts.port or _DEFAULT_PORTS[parts.scheme]

    @property
    def encrypted(self) -> bool:
        return self.base_url.startswith("https:")
