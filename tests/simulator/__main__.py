# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.simulator``: prints one JSON line, where it listens and the key that is good, and serves."""

import argparse
import asyncio
import json
import sys

from tests.simulator.server import KEY, Simulator


async def _serve(simulator: Simulator) -> None:
    async with simulator:
        told = {"base_url": simulator.base_url, "port": simulator.port, "key": simulator.key}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulator", description="Four vendors' APIs, for tests.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--key", default=KEY, help="the only key that is good")
    options = parser.parse_args()
    try:
        asyncio.run(_serve(Simulator(host=options.host, port=options.port, key=options.key)))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
