# SPDX-License-Identifier: Apache-2.0
"""What gateways measure, as they tell it, and what an estate has switched on of it. Numbers and names, no content."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Series(NamedTuple):
    """One count, gauge or histogram, under its metric's name in ``signals/catalogue.py``."""

    metric: str
    labels: tuple[str, ...]  # values, in the order of the metric's label names
    values: tuple[float, ...]  # a number; of a histogram how many fell into each bucket, and their sum at the end


class Measured(NamedTuple):
    """All that one gateway has counted since its start.

    A tuple, since it shares a channel with the report: MessagePack tells a tuple from a map.
    """

    gateway: str
    since_unix: float  # when it began to count
    counted: tuple[Series, ...]  # only ever grows
    now: tuple[Series, ...]  # gauges


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracing:
    """Where traces go, and which calls have one."""

    url: str  # the OTLP/HTTP receiver, before ``/v1/traces``
    share: float = 1.0  # of the calls for which no trusted caller has decided it
    takes_parent: bool = False  # whether a caller's ``traceparent`` is believed
    private: bool = False  # whether the receiver may lie at a private or loopback address
    tls_ca: str = ""  # a file of the estate with the authority that signs its certificate; empty: the system's


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What the gateways tell of the calls that they serve."""

    metrics: bool = True
    log_calls: bool = False  # one line in the gateway's log for each
    tracing: Tracing | None = field(default=None)
