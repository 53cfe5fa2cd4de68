# SPDX-License-Identifier: Apache-2.0
"""The register's entries, on whom the estate leans and the exit plans, as a document for people. Reckons nothing."""

from collections.abc import Iterator
from dataclasses import replace

from freehold.assess.evidence.document import Block, Document, Figure, Section, Table, Text
from freehold.assess.evidence.dora.layout import Layout
from freehold.assess.evidence.dora.leaning import Leaning, OnProvider
from freehold.assess.evidence.dora.plan import plan
from freehold.assess.evidence.dora.register import Entries
from freehold.assess.evidence.picture import Picture
from freehold.assess.evidence.wording import calls_with_share


def write_report(picture: Picture, layout: Layout, lean: Leaning, entries: Entries) -> Document:
    return Document(
        title=f"DORA: {picture.origin}",
        about=f"Digital Operational Resilience Act, register of information, {picture.at}, out of the estate's files",
        figures=tuple(_figures(lean, entries)),
        sections=tuple(_sections(picture, layout, lean, entries)),
        footer=(
            "Written by freehold evidence dora out of the estate's own files. The CSV files beside it have the rows of "
            "the register. No filing package, and no legal advice."
        ),
    )


def _figures(lean: Leaning, entries: Entries) -> Iterator[Figure]:
    alone = {service for on in lean.providers for service in on.alone}
    untested = sum(not one.shown for on in lean.providers for one in on.carried)
    yield Figure(figure=str(len(lean.providers)), says="providers that may answer calls by the rules")
    yield Figure(figure=str(len(alone)), says="services that nobody else may answer")
    yield Figure(figure=str(untested), says="ways out that no passed drill on the real provider has shown")
    yield Figure(figure=str(len(entries.findings)), says="cells of the register that are missing or wrong")


def _sections(picture: Picture, layout: Layout, lean: Leaning, entries: Entries) -> Iterator[Section]:
    yield Section(title="On whom the estate leans", blocks=tuple(_leaning(lean)))
    yield Section(title="What would be lost, and what room there is", blocks=tuple(_losses(lean)))
    for on in lean.providers:
        drawn = plan(picture, on, entries.findings)
        yield Section(title=drawn.title, blocks=(Text(text=drawn.footer),))
        yield from (replace(section, depth=2) for section in drawn.sections)
    yield Section(title="The register", blocks=tuple(_register(layout, entries)))


def _leaning(lean: Leaning) -> Iterator[Block]:
    yield Table(
        headings=(
            "provider",
            "states that can compel it",
            "services",
            "nobody else for",
            "calls on record that ended with it",
            "substitutable",
            "what is not shown",
        ),
        rows=tuple(map(_on, lean.providers)),
        empty="No provider may answer any service by the rules: the register has no entry of one.",
    )
    if lean.by_state:
        rows = tuple((state, str(calls)) for state, calls in lean.by_state.items())
        yield Table(headings=("state", "calls on record that ended with whom it can compel"), rows=rows)
    yield Text(
        text="Substitutable is 'not' where a service has nobody else who passed its cases, 'medium' where it has, and "
        "'easy' only where the newest drill on the real provider was passed for every service, at the rate of the "
        "busiest minute on record."
    )


def _on(on: OnProvider) -> tuple[str, ...]:
    return (
        on.provider,
        ", ".join(on.authorities) or "none known",
        ", ".join(one.service for one in on.carried),
        ", ".join(on.alone) or "-",
        calls_with_share(on.calls, on.share_pct),
        on.substitutability,
        "\n".join(f"{one.service}: {one.lacks}" for one in on.carried if one.lacks) or "-",
    )


def _losses(lean: Leaning) -> Iterator[Block]:
    losses = [one.foreseen for on in lean.providers for one in on.carried if one.foreseen is not None]
    seen = (
        "with the slots and calls of that instant" if lean.up else "by files: slots and calls are known while it is up"
    )
    touched = [lost for lost in (*losses, *lean.states) if lost.touched]
    yield Text(text=f"As the estate foresees it, {seen}. What is not listed changes for no service.")
    yield Table(
        headings=("without", "service", "it", "because"),
        rows=tuple((lost.name, lost.service, lost.fate, lost.reason) for lost in touched),
        empty="Nothing would be lost.",
    )


def _register(layout: Layout, entries: Entries) -> Iterator[Block]:
    yield Text(text=f"Layout: {layout.source}, as of {layout.as_of} ({layout.status}).")
    yield Table(
        headings=("template", "one row for each", "rows"),
        rows=tuple((name, one.rows, str(len(entries.rows.get(name, ())))) for name, one in layout.templates.items()),
    )
    yield Table(
        headings=("template", "row", "column", "what is missing or wrong", "the answer that mends it"),
        rows=tuple((f.template, str(f.row), f.column, f.what, f.answer or "-") for f in entries.findings),
        empty="Nothing is missing in the register.",
    )
