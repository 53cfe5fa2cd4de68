# SPDX-License-Identifier: Apache-2.0
"""The whole policy as a table: every service x data class x backend, judged one by one. Pure."""

import csv
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from freehold.contract.backend import Service
from freehold.contract.call import DataClass
from freehold.policy.judge import Application, Circumstances, Judge

_COLUMNS = ("service", "data_class", "counts_as", "target", "is_target", "allowed", "rules")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #1d2329; background: #fff }
table { border-collapse: collapse } caption { text-align: left; margin-bottom: .75rem }
th, td { border: 1px solid #c9d1d9; padding: .3rem .6rem; text-align: left; vertical-align: top }
.yes { background: #dcf2e1 } .no { background: #f8dedc } small { display: block; color: #4b5661 }
.aside { opacity: .6 }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """May the backend see a call of this class? ``counts_as``: no call is below the class of its service or key."""

    service: str
    data_class: str
    counts_as: str
    target: str
    is_target: bool  # of this service; any other is judged too, but would not be asked
    allowed: bool
    rules: tuple[str, ...]


def tabulate(
    judge: Judge,
    application: Application,
    services: Iterable[Service],
    *,
    at_unix: int,
    least: DataClass = DataClass.PUBLIC,
) -> list[Cell]:
    """Every cell, in the order of the services and backends. ``least`` is the class of the key."""
    return [
        _cell(judge, application, service, data_class, name, max(data_class, service.data_class, least), at_unix)
        for service in services
        for data_class in DataClass
        for name in judge.backends
    ]


def _cell(  # noqa: PLR0913, PLR0917 - one argument for each side of the table
    judge: Judge, application: Application, service: Service, row: DataClass, name: str, counts: DataClass, at_unix: int
) -> Cell:
    circumstances = Circumstances(service=service.name, purpose=service.purpose, data_class=counts, at_unix=at_unix)
    ruling = judge.judge(application, name, circumstances)
    return Cell(
        service=service.name,
        data_class=row.name.lower(),
        counts_as=counts.name.lower(),
        target=name,
        is_target=name in service.targets,
        allowed=ruling.allowed,
        rules=ruling.rules,
    )


def as_csv(cells: Sequence[Cell]) -> str:
    """One line a cell, with a heading."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for cell in cells:
        answers = ("yes" if cell.is_target else "no", "yes" if cell.allowed else "no")
        writer.writerow((cell.service, cell.data_class, cell.counts_as, cell.target, *answers, " ".join(cell.rules)))
    return text.getvalue()


def as_html(cells: Sequence[Cell], title: str) -> str:
    """One page that needs nothing from anywhere."""
    targets = list(dict.fromkeys(cell.target for cell in cells))
    rows = grid(cells)
    heads = "".join(f"<th scope=col>{html.escape(target)}</th>" for target in targets)
    body = "\n".join(
        f"<tr><th scope=row>{html.escape(first.service)}</th><td>{html.escape(class_of(first))}</td>"
        + "".join(_html_cell(cell) for cell in row)
        + "</tr>"
        for row in rows
        for first in row[:1]
    )
    caption = f"{html.escape(title)}. A faint cell is no target of its service: it is judged, and never asked."
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{_STYLE}</style>\n<table><caption>{caption}</caption>\n"
        f"<thead><tr><th scope=col>service</th><th scope=col>data class</th>{heads}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table>\n</html>\n"
    )


def grid(cells: Sequence[Cell]) -> list[list[Cell]]:
    """The cells by service and class: one row each, one cell a backend."""
    rows: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        rows.setdefault((cell.service, cell.data_class), []).append(cell)
    return list(rows.values())


def class_of(cell: Cell) -> str:
    """``public, as internal`` where the class of the service or key is the higher one."""
    return cell.data_class if cell.data_class == cell.counts_as else f"{cell.data_class}, as {cell.counts_as}"


def _html_cell(cell: Cell) -> str:
    kind = f"{'yes' if cell.allowed else 'no'}{'' if cell.is_target else ' aside'}"
    rules = html.escape(", ".join(cell.rules))
    return f'<td class="{kind}">{"yes" if cell.allowed else "no"}<small>{rules}</small></td>'
