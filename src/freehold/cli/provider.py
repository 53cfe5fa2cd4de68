# SPDX-License-Identifier: Apache-2.0
"""freehold provider: what is known of whoever runs a provider, who can compel them, and the key that it is sent.

Asks nobody.
"""

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

import click

from freehold.admin.knowing import facts_view, no_provider, open_questions, summary_view
from freehold.admin.readable import require_estate
from freehold.cli import output
from freehold.cli.options import estate_option, examples, json_option
from freehold.contract.estate import Estate
from freehold.contract.facts import UNKNOWN, Reason
from freehold.egress.age import seal
from freehold.errors import EstateError
from freehold.policy.facts import EXPOSURE, Description, Register, Said, describe, load_register

_NAME = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")
_MOST_CHARACTERS = 16 * 1024


@click.group(
    short_help="Who runs a provider, and who can compel them.",
    epilog=examples("freehold provider list", "freehold provider show mistral"),
)
def provider() -> None:
    """Providers: what the facts say of whoever runs them, which states can compel them, and the keys for them.

    The facts are those that came with this release, with the estate's own in facts/*.yaml over them. Nothing here
    contacts anybody, and showing facts needs no estate.
    """


@provider.command("list", epilog=examples("freehold provider list", "freehold provider list --json"))
@estate_option
@json_option
def list_(estate: Estate, *, as_json: bool) -> None:
    """Show every provider of the register with the states that can compel it. ?? stands for what nobody established."""
    register = _register(estate)
    found = [describe(register, name, _today()) for name in register.providers]
    if as_json:
        output.emit("providers", [summary_view(description) for description in found])
        return
    output.table(
        ("provider", "authorities", "exposure", "computed in", "confidence", "as of", "open"),
        [_row(description) for description in found],
        empty="The register has no provider.",
    )
    output.note(
        f"{UNKNOWN}: not established, so it matches every forbid; 'open' counts the questions. *: the estate's own."
    )


@provider.command(epilog=examples("freehold provider show ovhcloud", "freehold provider show azure-openai --json"))
@click.argument("name")
@estate_option
@json_option
def show(name: str, estate: Estate, *, as_json: bool) -> None:
    """Show the chain of one provider with its sources, what follows from it, and what is not known."""
    register = _register(estate)
    if name not in register.providers:
        raise no_provider(name, register)
    description = describe(register, name, _today())
    if as_json:
        output.emit("provider", facts_view(description))
    else:
        _show(description)


@provider.command(
    epilog=examples(
        "freehold provider key openai < openai.key", "pass show mistral | freehold provider key mistral --json"
    )
)
@click.argument("name")
@estate_option
@json_option
def key(name: str, estate: Estate, *, as_json: bool) -> None:
    """Keep the API key of a provider in the estate, encrypted: keys/NAME.age. The estate's own key, keys/age.key, is
    made if there is none, and decrypts it when a call needs it.

    The API key is read from standard input, or asked for without showing it. A running estate takes the new one with
    its next call.
    """
    require_estate(estate)
    if not _NAME.match(name):
        raise click.BadParameter(f"{name!r} is not a name: a-z, 0-9 and ._- only, at most 64", param_hint="NAME")
    path = seal(estate, name, _secret(name))
    line = f'key = "file:keys/{path.name}"'
    if as_json:
        output.emit("provider", {"name": name, "file": str(path), "key": f"file:keys/{path.name}", "setting": line})
        return
    output.say(line)
    output.note(f"The key is kept in {path}. Put the line above into [provider.{name}] of freehold.toml.")


def _secret(name: str) -> str:
    """From a prompt that shows nothing, or from standard input. Raises EstateError for what no header can carry."""
    if sys.stdin.isatty():
        secret: str = click.prompt(f"API key of {name}", hide_input=True, err=True)
    else:
        secret = sys.stdin.read(_MOST_CHARACTERS + 1)
    secret = secret.strip()
    if not secret or len(secret) > _MOST_CHARACTERS or not (secret.isascii() and secret.isprintable()):
        raise EstateError(
            f"what was given is no API key: not one line of printable ASCII of at most {_MOST_CHARACTERS} characters",
            hint="Give the key alone, on standard input or at the prompt.",
        )
    return secret


def _register(estate: Estate) -> Register:
    if not estate.directory.is_dir():
        output.note(f"There is no estate in {estate.directory}: these are the facts of this release alone.")
    return load_register(estate.facts)


def _today() -> date:
    return datetime.now(UTC).date()


def _row(description: Description) -> Sequence[object]:
    facts = description.facts
    name = f"{description.name} *" if description.own else description.name
    return (
        name,
        facts.authorities,
        facts.exposure,
        facts.locations,
        description.confidence,
        facts.as_of,
        open_questions(description),
    )


class _Sources:
    """Sources by number, so that a line stays short."""

    def __init__(self) -> None:
        self.numbered: dict[str, int] = {}

    def mark(self, source: str, as_of: str, confidence: str) -> str:
        number = self.numbered.setdefault(source, len(self.numbered) + 1)
        return f"[{number}] {confidence}, {as_of}"


def _show(description: Description) -> None:
    facts, sources = description.facts, _Sources()
    output.say(f"{click.style(description.title, bold=True)} ({description.name})")
    if description.own:
        output.say("This is the estate's own entry.")
    for entry in description.overridden:
        output.say(click.style(f"! overridden by the estate: {entry}", fg="yellow"))
    output.fields(
        {
            "authorities": facts.authorities,
            "exposure": facts.exposure,
            "computed in": facts.locations,
            "kept for": UNKNOWN if facts.retention_days is None else f"{facts.retention_days} days at most",
            "trained on": {True: "yes", False: "no", None: UNKNOWN}[facts.trains],
            "dialects": description.dialects,
            "oldest fact": facts.as_of,
        }
    )
    _section("Who runs it, owns it and sees what is sent", _lines(description.chain, sources))
    known = [reason for reason in facts.reasons if reason.state != UNKNOWN]
    _section(
        f"Why these states (rule, version {description.rule_version})",
        [
            _because(reason, sources, counts=counts)
            for counts in (True, False)
            for reason in known
            if _counts(reason) is counts
        ],
    )
    _section("Where, for how long, and for what", _lines(description.terms, sources))
    _section("Hosts", _lines(description.hosts, sources))
    _section("Laws that reach abroad", _lines(description.statutes, sources))
    _section("Models of its own that one can hold", _lines(description.licences, sources))
    unknown = (
        f"{r.because}  {sources.mark(r.source, r.as_of, r.confidence)}" for r in facts.reasons if r.state == UNKNOWN
    )
    _section("What is not known", [*dict.fromkeys(unknown), *description.unknown])
    _section("Notes", description.notes)
    _section("Sources", (f"[{number}] {source}" for source, number in sources.numbered.items()))


def _counts(reason: Reason) -> bool:
    return reason.rule not in EXPOSURE


def _because(reason: Reason, sources: _Sources, *, counts: bool) -> str:
    kind = "authority" if counts else "exposure"
    mark = sources.mark(reason.source, reason.as_of, reason.confidence)
    return f"{reason.state}  {kind} ({reason.rule}): {reason.because}  {mark}"


def _lines(said: Sequence[Said], sources: _Sources) -> list[str]:
    return [
        f"{'  ' * item.depth}{item.what}: {item.value}{f'; {item.note}' if item.note else ''}"
        f"  {sources.mark(item.source, item.as_of, item.confidence)}"
        for item in said
    ]


def _section(heading: str, lines: Iterable[str]) -> None:
    listed = list(lines)
    if listed:
        output.say()
        output.say(click.style(heading, bold=True))
        for line in listed:
            output.say(f"  {line}")
