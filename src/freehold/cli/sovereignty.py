# SPDX-License-Identifier: Apache-2.0
"""freehold doctor --sovereignty: on what the estate itself depends. Keeps the result; repairs nothing."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from freehold.admin.readable import readable
from freehold.assess.ourselves import Ourselves, Start, keep, look, write_report
from freehold.assess.ourselves.result import UNKNOWN
from freehold.bootstrap.alone import start_alone
from freehold.cli import output
from freehold.cli.evidence_document import write
from freehold.contract.estate import Estate

_LEFT_OUT = "it was left out, as --no-start asks"


def check_sovereignty(estate: Estate, out: Path | None, *, starts: bool, as_json: bool) -> bool:
    """Do it, keep it and tell it: whether all is as it should be."""
    with readable(estate), output.progress() as show:
        start = start_alone(estate, show) if starts else Start(not_done=_LEFT_OUT)
        found = look(estate, start, datetime.now(UTC))
        path = keep(estate, found)
    if as_json:
        output.emit("sovereignty", msgspec.to_builtins(found))
    else:
        _show(found)
        output.note(f"Kept in {path}; 'freehold evidence pack' takes it in.")
    if out is not None:
        write(out, "html" if out.suffix == ".html" else "markdown", write_report(found))
    return is_sound(found)


def is_sound(found: Ourselves) -> bool:
    """Whether it starts without a network and wants nothing that no setting names, and no secret lies open."""
    started = bool(found.start.not_done) or found.start.came_up
    return started and not found.unforeseen and not found.exposed


def _show(found: Ourselves) -> None:
    _show_start(found)
    output.say()
    unknown = sum(one.country == UNKNOWN for one in found.packages)
    unlocked = ", ".join(one.name for one in found.packages if not one.locked)
    output.fields(
        {
            "packages": f"{len(found.packages)}, the owner's country unknown of {unknown}",
            "not locked": unlocked or "none",
            "named places": ", ".join(sorted({one.where for one in found.places})) or "none",
        }
    )
    output.say()
    output.table(
        ("key", "holds", "mode", "at rest"),
        [(one.place, one.holds, _mode(one.mode, alone=one.alone), one.at_rest) for one in found.keys],
        empty="There is no key.",
    )
    output.say()
    output.table(
        ("target", "engine", "how it came here", "of what"),
        [(one.target, one.engine, one.made, one.source or f"{UNKNOWN}: {one.file}") for one in found.engines],
        empty="This estate runs no engine.",
    )


def _show_start(found: Ourselves) -> None:
    start = found.start
    if start.not_done:
        output.say(click.style(f"A start without a network was not done: {start.not_done}.", fg="yellow"))
        return
    if not start.came_up:
        output.say(click.style(f"Without a network it does not come up: {start.said}", fg="red"))
    else:
        answered = sum(one.ended == "answered" for one in start.calls)
        output.say(f"It came up without any network; {answered} of {len(start.calls)} calls there were answered.")
        if start.said:
            output.say(click.style(f"  {start.said}", fg="yellow"))
    for one in start.calls:
        if one.ended != "answered":
            output.say(f"  {one.target} for {one.service}: {one.ended}")
    output.table(
        ("it wanted", "kind", "times", "named by"),
        [(one.what, one.kind, str(one.times), one.because or _unnamed(one.kind)) for one in start.wanted],
        empty="It wanted nothing of a network.",
    )
    if not start.names_seen:
        output.say("Names that it looked up could not be seen on this host.")


def _unnamed(kind: str) -> str:
    return "this machine" if kind == "here" else click.style("no setting", fg="red")


def _mode(mode: str, *, alone: bool | None) -> str:
    return click.style(f"{mode}: others may read it", fg="red") if alone is False else mode or "none"
