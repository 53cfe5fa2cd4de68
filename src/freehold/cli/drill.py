# SPDX-License-Identifier: Apache-2.0
"""freehold drill: rehearse a withdrawal or an outage on this estate, and read how its calls fared."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from freehold.admin.readable import require_estate
from freehold.bootstrap.launch import control
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option, operator_option
from freehold.continuity.drill.kept import Kept, read_all, read_one
from freehold.continuity.drill.report import lines
from freehold.continuity.drill.scenario import read_scenario, shipped, shipped_text
from freehold.contract.estate import Estate
from freehold.errors import EstateError

_NOT_PASSED = 1


@click.group(
    short_help="Rehearse a withdrawal or an outage.",
    epilog=examples("freehold drill run june-2026", "freehold drill run all-foreign-gone --service support"),
)
def drill() -> None:
    """Drills: faults and directives that befall the calls of the drill alone, and a scorecard of how they fared.

    The faults are made in the connections to providers, so that all of the estate's own parts do what they would do.
    """


@drill.command(
    epilog=examples(
        "freehold drill run june-2026",
        "freehold drill run june-2026 --simulated",
        "freehold drill run outage --service support --requests 100",
        "freehold drill run ours.yaml --traffic replay",
    )
)
@click.argument("scenario")
@click.option("--service", metavar="NAME", help="The service to rehearse. Default: the only one.")
@click.option(
    "--traffic",
    type=click.Choice(["synthetic", "replay"]),
    default="synthetic",
    show_default=True,
    help="synthetic: calls made up. replay: times and sizes of recorded calls, with words made up.",
)
@click.option("--requests", type=click.IntRange(1, 5000), default=24, show_default=True, help="How many calls to make.")
@click.option(
    "--simulated", is_flag=True, help="Rehearse with two simulated providers, which exist for the drill alone."
)
@click.option("--kill-engine", is_flag=True, help="Let the drill kill engines though others use them.")
@operator_option
@estate_option
@json_option
def run(  # noqa: PLR0913, PLR0917 - one argument for each option
    scenario: str,
    service: str | None,
    traffic: str,
    requests: int,
    token: str,
    estate: Estate,
    *,
    simulated: bool,
    kill_engine: bool,
    as_json: bool,
) -> None:
    """Run a drill to its end. Exits with 1 if an objective of the service is missed; Ctrl-C leaves nothing in force.

    SCENARIO is a name of 'freehold drill list', or a file. The drill's calls go to the providers of the service, with
    words that are made up, and are on record as its own. Its scorecard is kept in drills/.
    """
    body = {
        "scenario": scenario,
        "text": _text_of(scenario),
        "service": service,
        "traffic": traffic,
        "requests": requests,
        "simulated": simulated,
        "kill_engine": kill_engine,
    }
    with control(estate) as admin:
        told = _Told()
        try:
            view = admin.acting_with(token).post("drills", body, progress=told.tell)["drill"]
        except KeyboardInterrupt:
            output.note("\nThe drill ends here: nothing of it stays in force.")
            raise
        finally:
            told.clear()
    kept = msgspec.convert({"card": view, "digest": view["digest"]}, Kept)
    if as_json:
        output.emit("drill", view)
    else:
        _show(kept, estate)
    if not kept.card.passed:
        sys.exit(_NOT_PASSED)


@drill.command("list", epilog=examples("freehold drill list", "freehold drill list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show the scenarios that can be run, and the drills that were. Works while the estate is down."""
    require_estate(estate)
    kept = read_all(estate.drills)
    if as_json:
        output.emit("drills", [_summary(one) for one in kept])
        return
    known = [read_scenario(shipped_text(name), name) for name in shipped()]
    output.table(("scenario", "takes", "about"), [(s.name, f"{s.duration_s:g} s", s.about) for s in known], empty="")
    output.say()
    output.table(
        ("drill", "scenario", "service", "began", "calls", "not answered", "verdict"),
        [tuple(_summary(one).values()) for one in kept],
        empty="No drill was run yet; 'freehold drill run SCENARIO' runs one.",
    )


@drill.command(
    epilog=examples("freehold drill show drill_4b1f0c27a9d3", "freehold drill show drill_4b1f0c27a9d3 --json")
)
@click.argument("drill_id", metavar="ID")
@estate_option
@json_option
def show(drill_id: str, estate: Estate, *, as_json: bool) -> None:
    """Show the scorecard of a drill. Works while the estate is down."""
    require_estate(estate)
    kept = read_one(estate.drills, drill_id)
    if as_json:
        output.emit("drill", {**msgspec.to_builtins(kept.card), "digest": kept.digest})
    else:
        _show(kept, estate)


def _show(kept: Kept, estate: Estate) -> None:
    for line in lines(kept.card, kept.digest):
        output.say(line)
    output.note(f"As a page: {estate.drills / kept.card.id}.html")


def _summary(kept: Kept) -> dict[str, object]:
    card = kept.card
    return {
        "id": card.id,
        "scenario": card.scenario,
        "service": card.service,
        "began": card.began,
        "calls": card.calls.made,
        "not_answered": card.calls.not_answered,
        "verdict": "passed" if card.passed else "not passed",
    }


def _text_of(scenario: str) -> str:
    """The text of a scenario's file; empty for a name that comes with Freehold."""
    path = Path(scenario)
    if scenario in shipped() or not (path.suffix or len(path.parts) > 1):
        return ""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise EstateError(
            f"{path} cannot be read as UTF-8 text", hint="Name a scenario's file, or one of the names."
        ) from exc


class _Told:
    """How far the drill is, in one line of the terminal that goes away."""

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()
        self._width = 0

    def tell(self, step: Mapping[str, Any]) -> None:
        if self._visible:
            line = str(step["doing"])[:110]
            sys.stderr.write("\r" + line.ljust(self._width))
            sys.stderr.flush()
            self._width = len(line)

    def clear(self) -> None:
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
