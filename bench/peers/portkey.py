# SPDX-License-Identifier: Apache-2.0
"""Portkey's open gateway: one process, and no authentication, for it has none.

Its lock holds ``@hono/node-server`` at 1.13.8, within what the gateway asks for: under the newest one that it would
get, every stream is answered with 500, because the headers of a response cannot be changed there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.peers.installing import command, node_environment
from bench.peers.interface import Side, Sides
from bench.peers.processes import free_port, own_folder, running


class Portkey:
    """As its package starts it, without its web page."""

    name = "portkey"
    version = "1.15.2"

    def install(self) -> None:
        self._node = command("node", "nodejs")
        self._program = node_environment(self.name) / "@portkey-ai" / "gateway" / "build" / "start-server.js"

    @contextmanager
    def running(self, upstream_port: int) -> Iterator[Sides]:
        port = free_port()
        start = (self._node, self._program, f"--port={port}", "--headless")
        env = {"NODE_ENV": "production"}
        with own_folder(self.name) as folder, running(start, port=port, folder=folder, env=env) as pid:
            upstream = f"http://127.0.0.1:{upstream_port}/v1"
            yield Sides(
                matching=self._side(port, "openai", upstream, pid),
                translated=self._side(port, "anthropic", upstream, pid),
            )

    def _side(self, port: int, provider: str, host: str, pid: int) -> Side:
        headers = {"x-portkey-provider": provider, "x-portkey-custom-host": host, "Authorization": "Bearer x"}
        return Side(name=self.name, port=port, headers=headers, pids={self.name: pid})
