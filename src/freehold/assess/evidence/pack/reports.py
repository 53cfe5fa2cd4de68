# SPDX-License-Identifier: Apache-2.0
"""Every report of a picture, each as a page, on paper, and as data. What a framework says is its own room's affair."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from freehold.assess.evidence import ai_act, csf, dora, gdpr
from freehold.assess.evidence.document import Document
from freehold.assess.evidence.dora.page import write_report as write_dora
from freehold.assess.evidence.html import write_document
from freehold.assess.evidence.pdf import read_page, write_pdf
from freehold.assess.evidence.picture import Picture
from freehold.assess.ourselves import write_report as write_ourselves
from freehold.verify.form.manifest import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One file of a pack, before it is listed."""

    path: str
    kind: Kind
    title: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One framework. ``name``: of its files. ``says``: its figures in a line. ``tables``: further files by name."""

    name: str
    title: str
    says: str
    page: bytes
    data: object
    tables: tuple[tuple[str, bytes], ...] = ()

    def files(self, picture: Picture) -> Iterator[Made]:
        path = f"reports/{self.name}"
        yield Made(path=f"{path}.html", kind=Kind.REPORT, title=self.title, content=self.page)
        yield Made(
            path=f"{path}.pdf", kind=Kind.REPORT, title=f"{self.title}, on paper", content=on_paper(self.page, picture)
        )
        data = msgspec.json.format(msgspec.json.encode(self.data, order="sorted"), indent=1) + b"\n"
        yield Made(path=f"{path}.json", kind=Kind.DATA, title=f"{self.title}, as data", content=data)
        for name, content in self.tables:
            yield Made(path=f"{path}/{name}", kind=Kind.DATA, title=f"{self.title}: {name}", content=content)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """All of them. ``csf`` and ``leaning`` once more, as values, for the index."""

    each: tuple[Report, ...]
    csf: csf.Report
    leaning: dora.Leaning


def draw_up(picture: Picture, profile: str = "") -> Reports:
    """Raises NotFound for a profile that there is not, EstateError for a wrong answer."""
    sovereignty, lean = csf.assess(picture, csf.load_framework(), profile), dora.leaning(picture)
    each = (_csf(sovereignty), _dora(picture, lean), _ai_act(picture), _gdpr(picture), _ourselves(picture))
    return Reports(each=each, csf=sovereignty, leaning=lean)


def on_paper(page: bytes, picture: Picture) -> bytes:
    """A page as a PDF, which says of which estate and instant it is."""
    at = datetime.fromisoformat(picture.at)
    return write_pdf(read_page(page), made_at=at, about=f"{picture.origin}, {picture.at}")


def _csf(report: csf.Report) -> Report:
    estate = report.estate
    says = (
        "nothing to assess" if estate is None else f"SEAL-{estate.floor}, {estate.score_pct:.1f} % ({estate.profile})"
    )
    title = "EU Cloud Sovereignty Framework"
    return Report(name="csf", title=title, says=says, page=csf.write_page(report), data=report)


def _dora(picture: Picture, lean: dora.Leaning) -> Report:
    layout = dora.load_layout()
    entries = dora.fill(picture, layout, lean)
    document = write_dora(picture, layout, lean, entries)
    registers = [(f"{name.lower()}.csv", dora.write_csv(layout, entries, name)) for name in layout.templates]
    plans = [(f"exit-{on.provider}.md", dora.write_plan(picture, on, entries.findings)) for on in lean.providers]
    return Report(
        name="dora",
        title="DORA: register of information, exit plans",
        says=_figures(document),
        page=write_document(document),
        data={"leaning": msgspec.to_builtins(lean), "entries": msgspec.to_builtins(entries)},
        tables=tuple((name, text.encode()) for name, text in (*registers, *plans)),
    )


def _ai_act(picture: Picture) -> Report:
    report = ai_act.assess(picture, ai_act.load_rules())
    document = ai_act.write_report(report)
    title = "AI Act: duties and records"
    return Report(name="ai-act", title=title, says=_figures(document), page=write_document(document), data=report)


def _gdpr(picture: Picture) -> Report:
    report = gdpr.assess(picture, gdpr.load_questions())
    document = gdpr.write_report(report)
    title = "GDPR: record of processing, transfers"
    return Report(name="gdpr", title=title, says=_figures(document), page=write_document(document), data=report)


def _ourselves(picture: Picture) -> Report:
    """The newest check; without one, a page that says so."""
    found = picture.ourselves
    document = write_ourselves(found, picture.origin)
    says = f"{found.at}; {_figures(document)}" if found else "not done on this estate"
    title = "Check of ourselves: what the estate itself depends on"
    return Report(name="ourselves", title=title, says=says, page=write_document(document), data=found)


def _figures(document: Document) -> str:
    return "; ".join(f"{one.says}: {one.figure}" for one in document.figures)
