# SPDX-License-Identifier: Apache-2.0
"""An assessment on a terminal: first what a head of IT asks, then where each thing stands."""

from collections.abc import Iterator
from typing import Final

import click

from freehold.assess.exposure.assessment import Assessment, Dependency, Exposure
from freehold.assess.exposure.moving import Effort
from freehold.contract.facts import UNKNOWN

_MOST: Final = 25  # places of one provider that are shown; the other formats have all
_NAMES: Final = 3  # of applications in a cell
_TO_LEAVE: Final = {
    Effort.BASE_URL: "a base URL",
    Effort.DIALECT: "a translated dialect",
    Effort.CODE: "code to change",
}
_COLOURS: Final = {Effort.BASE_URL: "green", Effort.DIALECT: "yellow", Effort.CODE: "red"}


def show_assessment(assessment: Assessment, *, told: bool = True) -> str:
    """Say it, unless it is only wanted as text."""
    lines = [*_summary(assessment), *_details(assessment), *_rest(assessment)]
    if told:
        for line in lines:
            click.echo(line)
    return "\n".join(map(click.unstyle, lines)) + "\n"


def _summary(assessment: Assessment) -> Iterator[str]:
    where = ", ".join(assessment.paths)
    if not assessment.dependencies:
        yield f"No dependency on an AI provider was found in {where} ({_counted(assessment.files, 'file')})."
        return
    states = [state for state in assessment.states if state != UNKNOWN]
    opened = sum(UNKNOWN in one.states for one in assessment.dependencies)
    yield click.style(f"{where} depends on {_counted(len(assessment.dependencies), 'AI provider')}", bold=True)
    yield f"States that can compel them: {', '.join(states) or 'none established'}" + (
        f"; with {opened} of them, who else can is not established ({UNKNOWN})" if opened else ""
    )
    yield _leaving(assessment)
    new = sum(one.new for one in assessment.exposures)
    if new != len(assessment.exposures):
        yield f"New since the baseline: {new} of {len(assessment.exposures)} places"
    yield ""
    yield from _table(assessment)


def _leaving(assessment: Assessment) -> str:
    counts = {effort: sum(one.move.effort is effort for one in assessment.exposures) for effort in Effort}
    parts = [
        click.style(f"{count} need {_TO_LEAVE[effort]}", fg=_COLOURS[effort])
        for effort, count in counts.items()
        if count
    ]
    users = len({one.application for one in assessment.exposures})
    places = _counted(len(assessment.exposures), "place")
    return f"To leave: of {places} in {_counted(users, 'application')}, {', '.join(parts)}"


def _table(assessment: Assessment) -> Iterator[str]:
    rows = [("PROVIDER", "CAN BE COMPELLED BY", "APPLICATIONS", "PLACES", "TO LEAVE")]
    rows += [_row(one) for one in assessment.dependencies]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for number, row in enumerate(rows):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        line = f"{cells}  {row[4]}"
        yield click.style(line, bold=True) if number == 0 else line


def _row(one: Dependency) -> tuple[str, str, str, str, str]:
    title = one.title if len(one.title) <= 34 else f"{one.title[:33]}\N{HORIZONTAL ELLIPSIS}"
    states = ", ".join(one.states) if one.known else f"{UNKNOWN} (no facts)"
    names = ", ".join(
        name if len(name) <= 28 else f"\N{HORIZONTAL ELLIPSIS}{name[-27:]}" for name in one.applications[:_NAMES]
    )
    more = f" +{len(one.applications) - _NAMES}" if len(one.applications) > _NAMES else ""
    efforts = ", ".join(f"{count} {_TO_LEAVE[effort]}" for effort, count in one.efforts.items())
    return (title, states, names + more, str(sum(one.kinds.values())), efforts)


def _details(assessment: Assessment) -> Iterator[str]:
    for dependency in assessment.dependencies:
        found = assessment.of(dependency.provider)
        yield ""
        yield click.style(dependency.title, bold=True)
        shown = sorted(found, key=lambda one: not one.new)[:_MOST]
        yield from (_place(one) for one in shown)
        if len(found) > len(shown):
            yield f"  and {len(found) - len(shown)} more: --format json, html or sarif has all"
        lost = sorted({item for one in found for item in one.move.lost})
        yield from (f"  lost in translation: {item}" for item in lost)


def _place(one: Exposure) -> str:
    found = one.found
    sure = (
        ""
        if found.certainty == "high"
        else f"  [{found.certainty} confidence{f': {found.note}' if found.note else ''}]"
    )
    kind = found.kind.replace("_", " ").ljust(12)
    return f"  {kind} {found.file}:{found.line}  {found.evidence}{sure}"


def _rest(assessment: Assessment) -> Iterator[str]:
    if assessment.secrets:
        yield ""
        yield click.style("Secrets in plain text (their values are shown nowhere)", fg="red")
        yield from (f"  {one.file}:{one.line}  {one.what}" for one in assessment.secrets)
    if assessment.owned:
        yield ""
        yield f"One's own, and no exposure: {_counted(len(assessment.owned), 'place')}"
        yield from (f"  {one.file}:{one.line}  {one.evidence}" for one in assessment.owned[:_MOST])
    left = [
        *(f"{count} {reason}" for reason, count in assessment.passed_over.items()),
        *([f"{_counted(len(assessment.archives), 'archive')}, not opened"] if assessment.archives else []),
    ]
    yield ""
    yield f"{_counted(assessment.files, 'file')} met; passed over: {', '.join(left) or 'nothing'}"
    unread = [one for one in assessment.troubles if one.what != "is not text"]
    yield from (f"  ! {one.file} {one.what}" for one in unread[:_MOST])
    if len(unread) > _MOST:
        yield f"  ! and {len(unread) - _MOST} more"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
