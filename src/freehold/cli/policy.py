# SPDX-License-Identifier: Apache-2.0
"""freehold policy: the rules checked, a decision explained, all decisions as a table. Reads; changes nothing."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from freehold.admin.consulted import explained, law_view, tabulated
from freehold.admin.readable import require_estate
from freehold.admin.requests import ExplainCall, TabulatePolicy
from freehold.admin.state import read_api_keys
from freehold.bootstrap.consult import consult, law_in_files
from freehold.cli import output
from freehold.cli.decided import explain_decision
from freehold.cli.explanation import show_explanations
from freehold.cli.options import estate_option, examples, json_option
from freehold.cli.prove import prove
from freehold.contract.call import DataClass
from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.policy.cedar import read_rules
from freehold.policy.explain import Explanation
from freehold.policy.matrix import Cell, as_csv, as_html, class_of, grid
from freehold.settings import DataClassName

_CLASSES = [data_class.name.lower() for data_class in DataClass]


@click.group(
    short_help="Who may see which call: checked, explained, as a table.",
    epilog=examples("freehold policy check", "freehold policy explain --service default", "freehold policy matrix"),
)
def policy() -> None:
    """The rules that decide who may see a call, over the facts about which states can compel whom.

    The set is chosen in freehold.toml ([policy] set); an estate's own rules are policies/*.cedar, and its own facts
    facts/*.yaml. 'freehold reload' puts a change in force.
    """


policy.add_command(prove)


@policy.command(epilog=examples("freehold policy check", "freehold policy check --print"))
@click.option("--print", "show_text", is_flag=True, help="Print the rules whole, the states written out.")
@estate_option
@json_option
def check(estate: Estate, *, show_text: bool, as_json: bool) -> None:
    """Check the rules in the estate's files, and tell what is in force. Works while the estate is down.

    Every rule is read and compared with the schema, strictly. Exits with 1 if one does not hold, and names the line.
    --print shows the rules in force, or those of the files while the estate is down.
    """
    require_estate(estate)
    in_files, found = law_in_files(estate), consult(estate)
    pending = found.in_force and (found.law.policy_digest, found.law.facts_digest) != (
        in_files.law.policy_digest,
        in_files.law.facts_digest,
    )
    if as_json:
        output.emit("policy", law_view(found, pending=pending))
        return
    if show_text:
        for file in found.law.files:
            output.say(click.style(f"// {file.name}", bold=True))
            output.say(file.text.strip() + "\n")
        return
    output.say(f"The rules are sound: {len(read_rules(in_files.law.files))} in {len(in_files.law.files)} files.")
    output.fields(
        {
            "in force" if found.in_force else "in the files": found.law.set,
            "files": [file.name for file in found.law.files],
            "policy": found.law.policy_digest,
            "facts": found.law.facts_digest,
        }
    )
    if pending:
        output.note("The files say something else than what is in force; 'freehold reload' puts them in force.")


@policy.command(
    "explain",
    epilog=examples(
        "freehold policy explain --service default --data-class personal",
        "freehold policy explain --service default --backend provider:openai --backend provider:scaleway",
        "freehold policy explain --decision dec_01939f2c8a6e5b1d4c3f2a9e8d7c",
    ),
)
@click.option(
    "--decision", metavar="ID", help="A call that was judged: its Freehold-Decision. It is looked up in the ledger."
)
@click.option("--service", "service_name", metavar="NAME", help="Default: the estate's only service.")
@click.option(
    "--data-class", type=click.Choice(_CLASSES), help="Of the call. Default, and least: that of the service and key."
)
@click.option("--key", "key_id", metavar="ID", help="The API key. Default: one that is good for every service.")
@click.option("--purpose", help="Instead of the service's own.")
@click.option(
    "--backend",
    "names",
    multiple=True,
    metavar="NAME",
    help="A target, or provider:NAME for one of the register. Default: the service's targets.",
)
@estate_option
@json_option
def explain_call(  # noqa: PLR0913, PLR0917 - one argument for each option
    decision: str | None,
    service_name: str | None,
    data_class: DataClassName | None,
    key_id: str | None,
    purpose: str | None,
    names: tuple[str, ...],
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Say in plain words which rule and which fact decide, for every target of a call that is made up, or was made."""
    require_estate(estate)
    if decision is not None:
        if any((service_name, data_class, key_id, purpose, names)):
            raise click.UsageError("Give either --decision or a call of your own.")
        explain_decision(estate, decision, as_json=as_json)
        return
    found = consult(estate)
    if service_name is None and len(found.services) != 1:
        raise click.UsageError(f"Name a service with --service: {', '.join(each.name for each in found.services)}.")
    request = ExplainCall(service=service_name, data_class=data_class, key=key_id, purpose=purpose, backends=names)
    told = explained(found, request, read_api_keys(estate.state), estate)
    if as_json:
        output.emit("explanation", told)
        return
    call = msgspec.convert(told["call"], dict[str, str])
    output.say(f"A call for {call['service']}, of class {call['data_class']}:")
    show_explanations(msgspec.convert(told["backends"], list[Explanation]))


@policy.command(
    epilog=examples(
        "freehold policy matrix",
        "freehold policy matrix --provider mistral --provider openai",
        "freehold policy matrix --html matrix.html",
        "freehold policy matrix --csv -",
    )
)
@click.option(
    "--provider",
    "providers",
    multiple=True,
    metavar="NAME",
    help="A provider of the register, whether or not a target uses it. May be given several times.",
)
@click.option("--key", "key_id", metavar="ID", help="For this API key. Default: one that is good for every service.")
@click.option("--csv", "csv_file", metavar="FILE", help="Write one line for each cell; - for standard output.")
@click.option(
    "--html", "html_file", metavar="FILE", help="Write one page that needs nothing else; - for standard output."
)
@estate_option
@json_option
def matrix(  # noqa: PLR0913 - one argument for each option
    providers: tuple[str, ...],
    key_id: str | None,
    csv_file: str | None,
    html_file: str | None,
    estate: Estate,
    *,
    as_json: bool,
) -> None:
    """Show every service x data class x target: may it see such a call, and by which rule."""
    require_estate(estate)
    found = consult(estate)
    request = TabulatePolicy(key=key_id, providers=providers)
    cells = tabulated(found, request, read_api_keys(estate.state), estate)
    if csv_file is not None:
        _write(csv_file, as_csv(cells))
    if html_file is not None:
        _write(html_file, as_html(cells, f"Who may see which call: policy {found.law.set} ({found.law.policy_digest})"))
    if as_json:
        output.emit("matrix", {**law_view(found, pending=False), "cells": msgspec.to_builtins(cells)})
    elif csv_file is None and html_file is None:
        _show_matrix(cells)


def _show_matrix(cells: Sequence[Cell]) -> None:
    """A grid of yes and no; what decided is in notes below, each set of rules once."""
    notes: dict[tuple[str, ...], int] = {}
    for cell in cells:
        notes.setdefault(cell.rules, len(notes) + 1)
    rows = grid(cells)
    output.table(
        ("service", "data class", *(cell.target for cell in rows[0])),
        [(row[0].service, class_of(row[0]), *(_answer(cell, notes[cell.rules]) for cell in row)) for row in rows],
        empty="There is no service.",
    )
    output.say()
    for rules, number in notes.items():
        output.say(f"{number}  {', '.join(rules)}")
    if not all(cell.is_target for cell in cells):
        output.note("In brackets: no target of that service. It is judged all the same, and never asked.")


def _answer(cell: Cell, note: int) -> str:
    answer = f"{'yes' if cell.allowed else 'no'} {note}"
    return answer if cell.is_target else f"({answer})"


def _write(name: str, text: str) -> None:
    if name == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise EstateError(f"{name} cannot be written", hint="Name another file, or - for standard output.") from exc
    output.note(f"Wrote {name}.")
