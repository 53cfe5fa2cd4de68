# SPDX-License-Identifier: Apache-2.0
"""make bench: the numbers that Freehold promises, side by side with its peers, on this machine and in one run.

What is compared is a ratio or a difference taken in turn in the same rounds, or a size, so that it means the same on
another machine. A number that misses its target is shown as missed and fails nothing: the machine may be busy, and
tests that time things lie.
"""

import argparse
import shlex
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from bench import machine
from bench.peers.places import OUT
from bench.report import Row
from bench.sections.stage import NAMES
from bench.showing.chart import DARK, LIGHT, draw
from bench.showing.comparing import changes, run_before
from bench.showing.numbers import numbers
from bench.showing.results import Results, write
from bench.showing.table import changes_table, shown, tables
from bench.suite import NOT_IN_QUICK, SECTIONS, Scene, Section, chosen, measure


def main() -> None:
    """Measure, print tables, write bench/out/latest.* and compare with the run before; leave nothing running."""
    given = _arguments().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that all is stopped on this way out as well
    sections = chosen(given.sections, quick=given.quick)
    _announce(sections, quick=given.quick)
    on = Scene(quick=given.quick, without=given.without, facts=machine.facts())
    rows: dict[str, list[Row]] = {section.name: [] for section in sections}
    broken: list[str] = []

    def failed(section: str, problem: Exception) -> None:
        _note(f"bench: {section} broke off: {problem}")
        broken.append(section)

    for section, row in measure(sections, on, failed):
        _note(f"{section}: {row.label}: {shown(row.value, row.unit)}")
        rows[section].append(row)
    results = Results(
        at=datetime.now(UTC).replace(microsecond=0),
        command=shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        quick=given.quick,
        facts=on.facts,
        rows=rows,
        numbers=numbers(rows),
    )
    _tell(results)
    if broken:
        sys.exit(f"bench: {', '.join(broken)} broke off; what they measured until then is told above")


def _arguments() -> argparse.ArgumentParser:
    lines = [f"  {section.name:<12}{section.what}" for section in SECTIONS.values()]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=main.__doc__,
        epilog="\n".join(["sections:", *lines, f"\n--quick leaves {' and '.join(sorted(NOT_IN_QUICK))} out."]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sections", nargs="*", choices=[*SECTIONS, []], metavar="SECTION", help="default: all of them")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a result")
    others = [name for name in NAMES if name != "freehold"]
    parser.add_argument("--without", action="append", default=[], choices=others, help="a peer that is left out")
    return parser


def _announce(sections: Sequence[Section], *, quick: bool) -> None:
    seconds = sum(section.seconds[quick] for section in sections)
    _note(f"{', '.join(section.name for section in sections)}.")
    _note(f"About {max(1, round(seconds / 60))} minutes on two quiet cores; nothing else should run meanwhile.")
    _note("The first time takes some more: peers are installed into .cache/bench.")


def _tell(results: Results) -> None:
    """To the terminal and to bench/out."""
    latest = write(results, OUT)
    every = [*tables(results)]
    facts = ", ".join(f"{name}: {value}" for name, value in results.facts.items())
    page = "\n\n".join(
        [f"{results.at:%Y-%m-%d %H:%M} UTC, `{results.command}`. {facts}.", *(t.markdown() for t in every)]
    )
    latest.with_suffix(".md").write_text(page + "\n", encoding="utf-8")
    for name, theme in (("light", LIGHT), ("dark", DARK)):
        (OUT / f"chart-{name}.svg").write_text(draw(results, theme), encoding="utf-8")
    print("\n\n".join(["", facts, *(table.text() for table in every)]))
    print(f"\n{_compared(run_before(results, OUT), results)}")
    print(f"\nWritten to {latest}; beside it {latest.with_suffix('.md').name}, chart-light.svg, chart-dark.svg")


def _compared(before: Results | None, now: Results) -> str:
    if before is None:
        return "There is no run before this one to compare with: of these sections, as long, on a machine like this."
    then = f"the run of {before.at:%Y-%m-%d %H:%M} UTC"
    found = [*changes(before, now)]
    return changes_table(found, then).text() if found else f"Nothing changed since {then} by more than its own spread."


def _note(said: str) -> None:
    print(said, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
