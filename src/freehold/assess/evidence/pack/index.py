# SPDX-License-Identifier: Apache-2.0
"""The first page of a pack: what the estate is, what was found, what it rests on, and how to check it all. Reckons
nothing that a report has not reckoned.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from freehold.assess.evidence.dora.leaning import Carried, OnProvider
from freehold.assess.evidence.html import Markup, page, table, tag, text
from freehold.assess.evidence.pack.chosen import Chosen
from freehold.assess.evidence.pack.reports import Made, Reports
from freehold.assess.evidence.picture import Picture, Served
from freehold.assess.evidence.wording import counted
from freehold.contract.facts import UNKNOWN
from freehold.verify.form.manifest import KEY, POLICY, VKEY, Kind

_STANDING: Final = {
    Kind.REPORT: "drawn up by the estate's program out of the files beside it",
    Kind.DATA: "the same for programs",
    Kind.SOURCE: "what the reports were drawn from, as it lies in the estate",
    Kind.RECORD: "what was kept of drills; proved where the receipt of the act has the same digest",
    Kind.RECEIPT: "proved: these calls and acts are in the ledger",
    Kind.HEAD: "proved: signed heads of the ledger, with the cosignatures of witnesses",
    Kind.KEY: "public keys; no reason to trust them: compare them with those that you have by another way",
    Kind.ASSERTED: "asserted: people said it, by name; nobody signed it",
    Kind.GIVEN: "asserted: made elsewhere, and put in as it came",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """What the first page speaks of."""

    id: str
    picture: Picture
    reports: Reports
    files: tuple[Made, ...]
    chosen: Chosen


def write_index(indexed: Indexed) -> bytes:
    return page(f"Evidence pack of {indexed.picture.origin}", _body(indexed))


def _body(indexed: Indexed) -> Iterator[Markup]:
    picture = indexed.picture
    yield Markup("<header>")
    yield tag("p", f"{indexed.id}, {picture.at}", is_="soft")
    yield tag("h1", f"Evidence pack of {picture.origin}")
    yield _figures(indexed)
    yield Markup("</header><main>")
    yield from _in_short(indexed)
    yield from _reports(indexed)
    yield from _services(indexed)
    yield from _drills(picture)
    yield from _check(picture)
    yield from _standing(indexed.files)
    yield from _on_record(indexed)
    yield from _files(indexed.files)
    yield Markup("</main>")
    yield tag(
        "footer",
        "Written by freehold evidence pack out of the estate's own files. Self-assessments, no certificates, and no "
        "legal advice. What is measured and what is asserted is told beside every statement of the reports.",
    )


def _figures(indexed: Indexed) -> Markup:
    picture, estate = indexed.picture, indexed.reports.csf.estate
    passed = sum(drill.passed for drill in picture.drills)
    calls = indexed.reports.leaning.calls
    boxes = (
        ("none" if estate is None else f"SEAL-{estate.floor}", "floor, Cloud Sovereignty Framework"),
        ("none" if estate is None else f"{estate.score_pct:.1f} %", "Sovereignty Score"),
        (str(len(indexed.reports.leaning.providers)), "foreign providers that may answer calls"),
        ("no ledger" if calls is None else f"{calls}", "calls answered, on record"),
        (f"{passed} of {len(picture.drills)}", "drills passed"),
        (str(len(indexed.chosen.indexes)), "receipts in this pack"),
    )
    return tag("div", *(tag("div", tag("b", figure), tag("span", said)) for figure, said in boxes), is_="figures")


def _in_short(indexed: Indexed) -> Iterator[Markup]:
    yield tag("h2", "In short")
    yield tag("ul", *(tag("li", line) for line in _sentences(indexed)))


def _sentences(indexed: Indexed) -> Iterator[str]:
    picture, leaning = indexed.picture, indexed.reports.leaning
    owned = [one.name for one in picture.services if one.may_answer and not _foreign(picture, one)]
    if owned:
        yield f"Answered by the estate alone, whatever happens to a provider: {', '.join(owned)}."
    for on in leaning.providers:
        states = ", ".join(_state(one) for one in on.authorities) or "no known state"
        services = ", ".join(one.service for one in on.carried)
        yield f"The provider {on.provider} may answer {services}. States that can compel it: {states}."
        yield from (_way_out(on, one) for one in on.carried)
    if not leaning.providers:
        yield "No foreign provider may answer any call by the rules in the estate's files."
    for one in picture.services:
        if not one.may_answer:
            yield f"No backend may answer {one.name} by the rules."
    framework = indexed.reports.csf
    if framework.estate is not None:
        held, open_ = framework.estate.held_by, {one.criterion for one in framework.missing}
        unanswered = sum(lift.criterion in open_ for lift in held)
        yield (
            "The floor of the Cloud Sovereignty Framework goes from SEAL-0 to SEAL-4. What holds it at "
            f"SEAL-{framework.estate.floor} ({framework.estate.floor_name}): "
            f"{counted(len(held), 'criterion', 'criteria')}, of which {unanswered} for want of an answer that only a "
            "person can give, and that counts as the worst until then."
        )


def _way_out(on: OnProvider, one: Carried) -> str:
    if not one.instead:
        return f"If {on.provider} is taken away, {one.service} stops: nobody else may answer it and passed its cases."
    if one.foreseen is not None and not one.foreseen.target:
        return f"If {on.provider} is taken away, {one.service} stops, as the estate is today: {one.foreseen.reason}."
    last = one.drills[-1] if one.drills else None
    verdict = "passed" if last and last.passed else "not passed"
    shown = f"rehearsed on {last.began[:10]}, {verdict}" if last else "never rehearsed on the real provider"
    return f"If {on.provider} is taken away, {one.service} goes on with {', '.join(one.instead)}: {shown}."


def _reports(indexed: Indexed) -> Iterator[Markup]:
    yield tag("h2", "The reports")
    rows = []
    for report in indexed.reports.each:
        path = f"reports/{report.name}"
        forms = Markup(
            ", ".join((_link(f"{path}.html", "page"), _link(f"{path}.pdf", "PDF"), _link(f"{path}.json", "data")))
        )
        more = f" ({len(report.tables)} files more in {path}/)" if report.tables else ""
        rows.append((Markup(tag("b", report.title) + text(more)), report.says, forms))
    yield table(("report", "says", "read it"), rows)


def _services(indexed: Indexed) -> Iterator[Markup]:
    picture = indexed.picture
    floors = {one.name: f"SEAL-{one.floor}" for one in indexed.reports.csf.services}
    yield tag("h2", "The services")
    yield tag(
        "p", "A service is the name that an application asks for. Who may answer it is decided by rules, call by call."
    )
    rows = [
        (
            one.name,
            one.data_class,
            ", ".join(_named(picture, name) for name in one.may_answer) or "nobody",
            ", ".join(_states(picture, one)) or "none",
            floors.get(one.name, "none"),
        )
        for one in picture.services
    ]
    yield table(("service", "data class", "may answer", "states that can compel", "floor"), rows)


def _drills(picture: Picture) -> Iterator[Markup]:
    yield tag("h2", "The drills")
    if not picture.drills:
        yield tag("p", "No withdrawal was rehearsed on this estate.")
        return
    rows = [
        (
            _link(f"drills/{drill.id}.html", drill.id),
            drill.scenario,
            drill.service,
            drill.began,
            "passed" if drill.passed else "not passed",
            "simulated" if drill.simulated else "the real one",
        )
        for drill in picture.drills
    ]
    yield table(("drill", "scenario", "service", "began", "verdict", "provider"), rows)


def _check(picture: Picture) -> Iterator[Markup]:
    yield tag("h2", "Check it yourself")
    yield tag(
        "p",
        "Take the ledger's verifier key by a way that you trust, and not out of this pack. The checker needs Python "
        "and one library; it asks nobody, and needs nothing of the estate.",
    )
    yield tag("p", tag("code", "freehold-verify pack evidence.zip --vkey ledger.vkey"))
    witnesses = (
        f"The estate's ledger is cosigned by witnesses: {', '.join(picture.witnesses)}. With --policy instead of "
        "--vkey you say whose cosignatures you ask for."
        if picture.witnesses
        else "The estate has no witness: nobody but its own key says that everybody is shown the same ledger."
    )
    proves = (
        "Every file here is the one that the estate's key signed, and none is missing or added.",
        "The signed list is on record in the ledger, so that it was made before whatever stands behind it there.",
        "Every receipt is of that ledger; every head in this pack is a beginning of it.",
        "Drills' scorecards are those whose digests are on record.",
        witnesses,
    )
    yield tag("ul", *(tag("li", line) for line in proves))


def _standing(files: Sequence[Made]) -> Iterator[Markup]:
    yield tag("h2", "What is proved, and what is asserted")
    counts = {kind: sum(made.kind is kind for made in files) for kind in _STANDING}
    rows = [(f"{kind}", str(counts[kind]), said) for kind, said in _STANDING.items() if counts[kind]]
    yield table(("kind", "files", "whose word it is"), rows)
    yield tag(
        "div",
        tag("b", "What no pack can prove"),
        tag(
            "ul", tag("li", "That what the estate wrote is true: only that it stands there, and is not changed unseen.")
        ),
        is_="notice",
    )


def _on_record(indexed: Indexed) -> Iterator[Markup]:
    head, chosen = indexed.picture.ledger, indexed.chosen
    yield tag("h2", "What is on record")
    if head is None:
        yield tag("p", "There was no ledger yet when the reports were drawn up.")
        return
    yield tag(
        "p", f"The ledger {head.origin} had {head.size} entries, root {head.root}, when the reports were drawn up."
    )
    rows = [
        *((_receipt(index), act.at, act.act, act.subject) for index, act in chosen.acts.items()),
        *((_receipt(index), "", "call", why) for index, why in chosen.calls.items()),
    ]
    if rows:
        listed = table(("receipt of entry", "at", "what", "of what"), rows)
        yield Markup(f"<details><summary>{len(rows)} receipts</summary>{listed}</details>")
    if chosen.left_out:
        yield tag("p", f"{chosen.left_out} older acts have no receipt here; the ledger has them.")


def _files(files: Sequence[Made]) -> Iterator[Markup]:
    yield tag("h2", "Every file")
    yield tag("p", "The signed list, with digests: ", _link("manifest.json", "manifest.json"), ". Keys: ", *_keys())
    rows = [
        (_link(made.path, made.path), made.title, f"{made.kind}") for made in files if made.kind is not Kind.RECEIPT
    ]
    yield Markup(
        f"<details><summary>{len(rows)} files</summary>{table(('file', 'what it is', 'kind'), rows)}</details>"
    )


def _keys() -> Iterator[Markup]:
    for number, path in enumerate((VKEY, KEY, POLICY)):
        yield Markup(f"{', ' if number else ''}{_link(path, path)}")


def _receipt(index: int) -> Markup:
    return _link(f"receipts/{index}.json", str(index))


def _link(path: str, said: str) -> Markup:
    return Markup(f'<a href="{text(path)}">{text(said)}</a>')


def _named(picture: Picture, target: str) -> str:
    known = picture.backends[target]
    return target if known.owned else f"{target} ({known.operator})"


def _foreign(picture: Picture, served: Served) -> bool:
    return any(not picture.backends[name].owned for name in served.may_answer)


def _states(picture: Picture, served: Served) -> list[str]:
    return sorted({_state(s) for name in served.may_answer for s in picture.backends[name].facts.authorities})


def _state(code: str) -> str:
    return "some that are not known" if code == UNKNOWN else code
