# SPDX-License-Identifier: Apache-2.0
"""What the reports of evidence have in common: their options, a file of HTML or Markdown, and what is not answered."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import click
import msgspec

from freehold.assess.evidence.document import Document
from freehold.assess.evidence.html import write_document
from freehold.assess.evidence.markdown import write_markdown
from freehold.assess.evidence.questions import Asked
from freehold.assess.evidence.wording import counted
from freehold.cli import output
from freehold.errors import EstateError

P = ParamSpec("P")
R = TypeVar("R")

_WRITERS: dict[str, Callable[[Document], bytes]] = {
    "html": write_document,
    "markdown": lambda document: write_markdown(document).encode(),
}


def document_options(command: Callable[P, R]) -> Callable[P, R]:
    """``form``, ``out`` and ``complete``."""
    forms = click.Choice(["text", *_WRITERS])
    path = click.Path(path_type=Path, dir_okay=False)
    command = click.option("--complete", is_flag=True, help="Exit with 1 if a question is not answered.")(command)
    command = click.option("--output", "out", type=path, help="Where to write the document.")(command)
    return click.option("--format", "form", type=forms, default="text", show_default=True, help="Of the report.")(
        command
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the options ask for. Raises UsageError for those that do not go together."""

    form: str
    out: Path | None
    complete: bool
    as_json: bool

    def __post_init__(self) -> None:
        if (self.form != "text") != (self.out is not None) or (self.as_json and self.form != "text"):
            raise click.UsageError("Give --format html or markdown and --output FILE together, and without --json.")


class Report(Protocol):
    """A report that may lack answers."""

    @property
    def missing(self) -> tuple[Asked, ...]: ...


Made = TypeVar("Made", bound=Report)


def deliver(
    name: str, report: Made, wanted: Wanted, document: Callable[[Made], Document], show: Callable[[Made], None]
) -> int:
    """Give the report out as it is wanted; the exit status. Raises EstateError."""
    if wanted.as_json:
        output.emit(name, msgspec.to_builtins(report))
    elif wanted.out is not None:
        write(wanted.out, wanted.form, document(report))
    else:
        show(report)
    return int(wanted.complete and bool(report.missing))


def write(path: Path, form: str, document: Document) -> None:
    try:
        path.write_bytes(_WRITERS[form](document))
    except OSError as exc:
        raise EstateError(f"{path} cannot be written", hint="Name another file with --output.") from exc
    output.note(f"Wrote {path}.")


def show_missing(missing: tuple[Asked, ...]) -> None:
    """The questions by what they are about."""
    if not missing:
        return
    output.say()
    output.say(f"Not answered: {counted(len(missing), 'question')}.")
    for about, asked in groupby(
        sorted(missing, key=lambda one: (one.about != "self", one.about)), lambda one: one.about
    ):
        output.say(f"  about {about}: {', '.join(one.id for one in asked)}")
    output.say("  'freehold evidence answer ID VALUE --about SUBJECT --by NAME --source TEXT' answers one.")
