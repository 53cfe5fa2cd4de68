# SPDX-License-Identifier: Apache-2.0
"""Everybody who is compared, up at the same time in front of one upstream, and asked in turn."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bench.load.requests import PROMPTS, SMALL
from bench.load.wrk import ask
from bench.memory import pss_of_trees
from bench.peers.freehold import Freehold
from bench.peers.interface import Peer, Side
from bench.peers.litellm import LiteLlm
from bench.peers.nginx import Nginx
from bench.peers.portkey import Portkey
from bench.peers.upstream import upstream

PEERS: tuple[type[Nginx] | type[Freehold] | type[Portkey] | type[LiteLlm], ...] = (Nginx, Freehold, Portkey, LiteLlm)
NAMES = tuple(peer.name for peer in PEERS)

_SETTLE_S = 2.0  # after the last of them took its first connection
_WARM_UP_CONNECTIONS = 16
_WARM_UPS_S = (1, 2, 5, 15)  # the longer ones for whoever takes long over the first answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Those that take part, the upstream itself first. ``at_rest`` is what each had of memory before any call."""

    matching: Sequence[Side]
    translated: Sequence[Side]
    at_rest: Mapping[str, Mapping[str, int]]  # PSS in bytes, by side and process
    versions: Mapping[str, str]
    pace_per_s: Mapping[str, float]  # about how many answers each gives; for how long to ask it

    def side(self, name: str) -> Side:
        return next(side for side in self.matching if side.name == name)

    def seconds(self, side: Side, connections: int, least: int, most: int) -> int:
        """For how long to ask a side, so that each connection has its answer a few times."""
        wanted_s = 3 * connections / max(self.pace_per_s[side.name], 1.0)
        return min(most, max(least, round(wanted_s)))


@contextmanager
def stage(without: Sequence[str] = ()) -> Iterator[Stage]:
    """Install what is not there, start all, and leave nothing behind."""
    peers: list[Peer] = [kind() for kind in PEERS if kind.name not in without]
    for peer in peers:
        peer.install()
    with ExitStack() as stack:
        direct = stack.enter_context(upstream())
        every = [stack.enter_context(peer.running(direct.port)) for peer in peers]
        time.sleep(_SETTLE_S)
        matching = [direct, *(sides.matching for sides in every)]
        at_rest = {side.name: pss_of_trees(side.pids) for side in matching}
        yield Stage(
            matching=matching,
            translated=[sides.translated for sides in every if sides.translated],
            at_rest=at_rest,
            versions={peer.name: peer.version for peer in peers},
            pace_per_s={side.name: _pace(side) for side in matching},
        )


def in_turn(sides: Sequence[Side], number: int) -> list[Side]:
    """The sides, a different one first in every round, so that drift favours nobody."""
    shift = number % len(sides)
    return [*sides[shift:], *sides[:shift]]


def _pace(side: Side) -> float:
    """Answers a second, once it is warm. Raises RuntimeError if it gives none."""
    for seconds in _WARM_UPS_S:
        seen = ask(side, connections=_WARM_UP_CONNECTIONS, size_bytes=PROMPTS[SMALL], seconds=seconds)
        if seen.answered:
            return ask(side, connections=_WARM_UP_CONNECTIONS, size_bytes=PROMPTS[SMALL], seconds=seconds).per_s
    raise RuntimeError(f"{side.name} does not answer")
