# SPDX-License-Identifier: Apache-2.0
"""The report as a document. Reckons nothing."""

from collections.abc import Iterator
from typing import Final

from freehold.assess.evidence.document import Block, Bullets, Command, Document, Figure, Section, Table, Text
from freehold.assess.evidence.gdpr.record import Activity
from freehold.assess.evidence.gdpr.report import Party, Report
from freehold.assess.evidence.gdpr.transfers import Transfer
from freehold.assess.evidence.statement import Ground, Statement, cited, grounded
from freehold.assess.evidence.writing import questions, rests_on

ERASES: Final = {
    "call.forget": "the salt of one call: nobody can prove or test any more what was said",
    "salts.expire": "the salts of a day, by age or by order",
    "text.forget": "words that a person wrote: a label, a reason, the words of a drill",
}


def write_report(report: Report) -> Document:
    return Document(
        title=f"Record of processing: {report.origin}",
        about=f"GDPR, {report.at}, out of the estate's files",
        figures=tuple(_figures(report)),
        sections=tuple(_sections(report)),
        footer=(
            "Written by freehold evidence gdpr out of the estate's own files. A draft of a record until whoever "
            "answers for it adopts it; no legal advice."
        ),
    )


def aged(transfer: Transfer) -> tuple[str, ...]:
    """Each age in a line."""
    ages = (
        f"{one.what}: {one.day}, {one.age_days} days ago" if one.age_days is not None else f"{one.what}: day not known"
        for one in transfer.ages
    )
    return (*ages, *([f"lapses on {transfer.expires}"] if transfer.expires else []))


def _figures(report: Report) -> Iterator[Figure]:
    inside = sum(one.in_record for one in report.activities)
    yield Figure(figure=f"{inside} of {len(report.activities)}", says="services in the record")
    yield Figure(figure=str(len(report.parties)), says="providers that get personal data or may")
    open_ = sum(not one.covered for one in report.transfers)
    yield Figure(figure=f"{open_} of {len(report.transfers)}", says="transfers without a mechanism that holds")
    yield Figure(figure=str(sum(report.erasures.counts.values())), says="erasures on record")
    yield Figure(figure=str(len(report.missing)), says="questions not answered")


def _sections(report: Report) -> Iterator[Section]:
    yield Section(
        title="How to read this",
        blocks=(
            Text(text=f"{report.law}. Letters are those of Article 30(1)."),
            Text(
                text="Measured is what files, rules and ledger show; known is what the facts have from a source; "
                "asserted is what a person said, by name and on grounds that are told. Missing is what nobody said."
            ),
            Bullets(title="Before you rely on it", items=report.reservations, warns=True),
        ),
    )
    yield Section(title="Controller (a)", blocks=(_statements(report.controller),))
    for one in report.activities:
        yield Section(title=f"Service {one.service}", blocks=tuple(_activity(one)))
    yield Section(title="Recipients (d)", blocks=tuple(_recipients(report)))
    yield Section(title="Transfers (e)", blocks=tuple(_transfers(report)))
    yield Section(title="What the estate keeps (f)", blocks=(_statements(report.keeps),))
    yield Section(title="Erasures", blocks=tuple(_erasures(report)))
    yield Section(title="Security (g)", blocks=(_statements(report.security),))
    yield questions(report.missing)
    yield rests_on(report.policy_digest, report.facts_digest, report.answers_digest, report.sources)


def _statements(statements: tuple[Statement, ...]) -> Table:
    rows = tuple((one.what, one.says, grounded(one)) for one in statements)
    return Table(headings=("what", "says", "rests on"), rows=rows)


def _activity(one: Activity) -> Iterator[Block]:
    inside = "In the record" if one.in_record else "Not in the record"
    yield Text(text=f"{inside}. Calls of class {one.data_class} and above. Personal data: {one.personal.says}.")
    yield Bullets(items=tuple(grounded(one.personal).splitlines()))
    if one.fields:
        rows = tuple(
            (each.letter, each.statement.what, each.statement.says, grounded(each.statement)) for each in one.fields
        )
        yield Table(headings=("letter", "what", "says", "rests on"), rows=rows)
        yield Text(text=f"Engines of the estate that may see it: {', '.join(one.engines) or 'none'}.")
    yield Table(
        headings=("class", "answered by", "calls on record", "first", "last"),
        rows=tuple((s.data_class or "not kept", s.target, str(s.calls), s.first_at, s.last_at) for s in one.seen),
        empty="No call of it that was answered is on record.",
    )


def _recipients(report: Report) -> Iterator[Block]:
    yield Table(
        headings=(
            "provider",
            "role and contract",
            "services",
            "calls on record",
            "kept there",
            "states that can compel it",
        ),
        rows=tuple(map(_party, report.parties)),
        empty="None: no provider may get personal data, and none has by the record.",
    )
    if report.gone:
        told = tuple(
            f"{one.target}: {one.calls} calls of {one.service or 'a service'}, last {one.last_at}"
            for one in report.gone
        )
        yield Bullets(title="On record, and not in freehold.toml any more", items=told, warns=True)
    yield Text(
        text="Calls are those of class personal and above that a provider answered, in whole or in part. A provider "
        "that was asked and gave nothing may have got the call too; the record does not name it."
    )


def _party(one: Party) -> tuple[str, ...]:
    calls = "no ledger" if one.calls is None else str(one.calls)
    return (
        "\n".join(dict.fromkeys(filter(None, (one.provider, one.legal_name)))),
        "\n".join(_said_of(statement) for statement in (one.role, one.contract)),
        "\n".join(one.services),
        "\n".join(filter(None, (calls, f"{one.first_at} to {one.last_at}" if one.first_at else ""))),
        "\n".join((one.kept.says, cited(one.kept.evidence))).strip(),
        ", ".join(one.authorities) or "none",
    )


def _said_of(statement: Statement) -> str:
    if statement.ground is Ground.MISSING:
        return f"{statement.what} {grounded(statement)}"
    return f"{statement.what}: {statement.says}\n{cited(statement.evidence)}"


def _transfers(report: Report) -> Iterator[Block]:
    yield Text(
        text="To a provider, to whom it hands data on, and to where it computes, as far as the facts know them. ?? is "
        "what nobody established: a transfer cannot be ruled out there."
    )
    yield Table(
        headings=("provider", "state", "rests on", "age", "laws that reach it"),
        rows=tuple(map(_transfer, report.transfers)),
        empty="None: personal data goes to nobody outside the EEA, as far as it is known.",
    )
    if any(one.missing for one in report.transfers):
        yield Command(
            text="freehold evidence answer GDPR.mechanism scc-2 --about PROVIDER/STATE --by NAME --source TEXT"
        )
    found = [(one, each) for one in report.transfers for each in one.recipients]
    sources = {source: f"F{number}" for number, source in enumerate(dict.fromkeys(r.source for _, r in found), start=1)}
    if found:
        yield Table(
            headings=("provider", "state", "who gets data there", "what for", "how well known", "fact"),
            rows=tuple(
                (
                    one.provider,
                    one.state,
                    each.name,
                    each.does,
                    f"{each.confidence}, {each.as_of}",
                    sources[each.source],
                )
                for one, each in found
            ),
        )
        yield Bullets(title="Facts", items=tuple(f"{name}: {source}" for source, name in sources.items()))


def _transfer(one: Transfer) -> tuple[str, ...]:
    return (
        one.provider,
        one.state,
        "\n".join((one.mechanism.says, grounded(one.mechanism))),
        "\n".join(aged(one)) or "not known",
        "\n".join(one.compels) or "none in the facts",
    )


def _erasures(report: Report) -> Iterator[Block]:
    yield _statements(report.erasures.statements)
    rows = tuple(
        (one.position, one.at, one.act, one.subject, ERASES.get(one.act, ""))
        for one in reversed(report.erasures.newest)
    )
    yield Table(
        headings=("position", "when", "act", "of what", "what is gone"),
        rows=rows,
        empty="No erasure is on record.",
    )
    if rows:
        yield Text(text="Each has a receipt that proves the act, which freehold-verify checks without the estate:")
        yield Command(text=f"freehold ledger receipt {rows[0][0]} --out erasure.json")
    yield Text(
        text="An act proves that the estate says so, at that time, in a record that it cannot change. Backups, "
        "receipts with a salt, and what applications and providers keep of a conversation are not reached by it."
    )
