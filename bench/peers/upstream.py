# SPDX-License-Identifier: Apache-2.0
"""The upstream of all sides, compiled on this host: whole answers at once, streams of 100 events at 50 a second."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers.installing import native
from bench.peers.interface import Side
from bench.peers.processes import free_port, own_folder, running

EVENTS, INTERVAL_S = 100, 0.02
DIRECT = "direct"


@contextmanager
def upstream() -> Iterator[Side]:
    """It runs, and can be asked past everybody."""
    program, port = native("mock"), free_port()
    given = [str(port), str(EVENTS), str(round(INTERVAL_S * 1e6))]
    with own_folder("upstream") as folder, running([program, *given], port=port, folder=folder) as pid:
        yield Side(name=DIRECT, port=port, pids={DIRECT: pid})
