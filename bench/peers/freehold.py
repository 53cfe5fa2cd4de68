# SPDX-License-Identifier: Apache-2.0
"""An estate of our own in front of the upstream, with nothing turned off.

Every call is authenticated, decided by the set ``eu-only`` over facts of who runs the upstream, admitted, and closed
with its outcome; the ledger is strict: no byte goes out before the admission is on disk. One gateway process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers.interface import Side, Sides
from bench.peers.processes import own_folder
from tests.system.estates import Estate

NAME = "freehold"
CONDITIONS = "authentication, policy (eu-only), admission and outcome on; ledger strict; one gateway process"

_SETTINGS = """\
[estate]
origin = "bench.example/ledger"

[listen]
port = {port}
admin_port = {admin_port}

[gateway]
requests_per_minute = 1000000000  # the rate of a key is checked, and never the limit here

[ledger]
durability = "strict"

[policy]
set = "eu-only"
{policy}

[continuity]

[vault]

[service.m]
targets = ["matching"]

[service.translated]
targets = ["translated"]

[target.matching]
provider = "bench-openai"
model = "m"

[target.translated]
provider = "bench-anthropic"
model = "m"

[provider.bench-openai]
base_url = "http://127.0.0.1:{upstream}/v1"
key = "file:keys/upstream.key"
allow_private = true

[provider.bench-anthropic]
base_url = "http://127.0.0.1:{upstream}"
key = "file:keys/upstream.key"
allow_private = true
"""

_FACTS = """\
sources:
  BENCH: {source: "A program of this benchmark", as_of: 2026-10-01}

organisations:
  bench-sas: {name: Bench SAS, seat: FR, source: BENCH, confidence: confirmed, owners: {complete: "yes", %(sure)s}}

providers:
"""
_PROVIDER = """\
  bench-%(dialect)s:
    name: The upstream of the benchmark
    %(lines)s
    operator: {organisation: bench-sas, %(sure)s}
    sub_processors: {complete: "yes", %(sure)s}
    locations: {states: [FR], complete: "yes", %(sure)s}
    retention: {days: 0, %(sure)s}
    training: {trains: "no", %(sure)s}
    hosts: [{host: 127.0.0.1, location: FR, %(sure)s}]
    dialects: [%(dialect)s]
"""
_SURE = "source: BENCH, confidence: confirmed"


class Freehold:
    """Ours, as a fresh estate with two providers."""

    name = NAME
    version = "this tree"

    def __init__(self, *, policy: str = "", tables: str = "") -> None:
        """``policy``: a further line of that table. ``tables``: more of them; UPSTREAM stands for its port."""
        self._policy = policy
        self._tables = tables

    def install(self) -> None:
        """It is what runs this."""

    @contextmanager
    def running(self, upstream_port: int) -> Iterator[Sides]:
        with own_folder(self.name) as folder:
            estate = Estate(folder / "estate")
            try:
                self._found(estate, upstream_port)
                estate.up()
                yield _sides(estate)
            finally:
                estate.destroy()

    def _found(self, estate: Estate, upstream_port: int) -> None:
        estate.run("init")
        settings = _SETTINGS.format(
            port=estate.port, admin_port=estate.admin_port, upstream=upstream_port, policy=self._policy
        )
        more = self._tables.replace("UPSTREAM", str(upstream_port))
        (estate.files / "freehold.toml").write_text(settings + more)
        lines = {"sure": _SURE, "lines": _SURE.replace(", ", "\n    ")}
        providers = "".join(_PROVIDER % {**lines, "dialect": dialect} for dialect in ("openai", "anthropic"))
        (estate.files / "facts").mkdir(exist_ok=True)
        (estate.files / "facts" / "bench.yaml").write_text(_FACTS % lines + providers)
        _keep(estate.files / "keys" / "upstream.key", "sk-bench-0123456789abcdef")


def _sides(estate: Estate) -> Sides:
    headers = {"Authorization": f"Bearer {estate.key}"}
    pids = {process["name"]: process["pid"] for process in estate.status()["processes"] if process["pid"]}
    return Sides(
        matching=Side(name=NAME, port=estate.port, headers=headers, pids=pids),
        translated=Side(name=NAME, port=estate.port, headers=headers, pids=pids, model="translated"),
    )


def _keep(path: Path, secret: str) -> None:
    path.write_text(f"{secret}\n")
    path.chmod(0o600)
