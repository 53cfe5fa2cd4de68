# SPDX-License-Identifier: Apache-2.0
"""Judges a model's licence from what its files say and from the facts, for its very repository and revision.

Apache-2.0 and MIT pass, by name or by a text that is theirs word for word. Everything else needs an approval with a
reason: a licence of another name, a text that differs, places that contradict each other, and a model of which
nothing says its licence. What is known to matter is said by its name: remote restriction, a region, a cap.
"""

from collections.abc import Iterable, Iterator, Sequence

from freehold.contract.licence import LicenceBook, LicenceTerms, ModelOrigin, RepositoryLicence
from freehold.vault.inspect.findings import Finding, Severity, shown
from freehold.vault.inspect.licences.clauses import clauses_in
from freehold.vault.inspect.licences.statements import Statement
from freehold.vault.inspect.licences.texts import PASSING

_PASSING = {name.lower(): name for name in PASSING}
_NO_NAME = frozenset({"other", "unknown", "custom", "proprietary"})
_HEADED = {"apache license version 2.0": "Apache-2.0", "permission is hereby granted, free of charge": "MIT"}


def judge_licence(said: Sequence[Statement], origin: ModelOrigin, book: LicenceBook) -> tuple[Finding, ...]:
    """What is to be said of the licence. No finding needs an approval where it passes."""
    judge = _Judge(book)
    known = next((entry for entry in book.repositories if entry.repository == origin.repository), None)
    findings = [finding for statement in said for finding in judge.of(statement)]
    if known is not None:
        findings += judge.of_repository(known, origin)
    findings += judge.of_terms()
    findings += judge.of_base_models(said)
    findings += _contradictions(judge.identified)
    if not judge.identified:
        findings.append(
            _finding("licence.none", origin.repository or "the model", "nothing says under which licence it is")
        )
    elif not any(statement.digest and not statement.is_notice for statement in said) and _all_pass(findings):
        message = (
            f"{', '.join(sorted(set(judge.identified.values())))}, by name only: no text of it came with the files"
        )
        findings.append(Finding(severity=Severity.NOTE, rule="licence.stated", place=said[0].place, message=message))
    return tuple(findings)


def _all_pass(findings: Iterable[Finding]) -> bool:
    return not any(finding.severity is Severity.APPROVAL for finding in findings)


class _Judge:
    """One model's licence under judgement. ``identified``: which licence each place speaks of."""

    def __init__(self, book: LicenceBook) -> None:
        self._book = book
        self._terms: dict[str, LicenceTerms] = {}  # by place
        self.identified: dict[str, str] = {}

    def of(self, statement: Statement) -> Iterator[Finding]:
        """What one place says."""
        if statement.digest:
            yield from self._of_text(statement)
            return
        names = [name for name in statement.names if name.lower() not in _NO_NAME] or statement.names[:1]
        for name in names:
            yield from self._of_name(name, statement.place)

    def of_repository(self, known: RepositoryLicence, origin: ModelOrigin) -> Iterator[Finding]:
        """What the facts say of the very repository."""
        place = f"facts on {known.repository}"
        if known.revisions and origin.revision not in known.revisions:
            message = f"its licence was read at revision {', '.join(known.revisions)}, and this is {origin.revision}"
            yield Finding(severity=Severity.NOTE, rule="licence.revision", place=place, message=message)
        else:
            yield from self._of_name(known.licence, place)

    def of_terms(self) -> Iterator[Finding]:
        """What is known of the licences that were found, each once, whichever places name it."""
        for terms in dict.fromkeys(self._terms.values()):
            yield from self._of_terms(terms, ", ".join(place for place, of in self._terms.items() if of is terms))

    def of_base_models(self, said: Sequence[Statement]) -> Iterator[Finding]:
        """A model that was made from another is under the other's terms as well."""
        known = {entry.repository.lower(): entry for entry in self._book.repositories}
        for base in dict.fromkeys(base for statement in said for base in statement.base_models):
            entry = known.get(base.lower())
            if entry is not None and entry.licence not in PASSING and entry.licence not in self.identified.values():
                message = f"it was made from {base}, which is under {entry.licence} ({entry.source}, {entry.as_of})"
                yield _finding("licence.lineage", base, message)

    def _of_text(self, statement: Statement) -> Iterator[Finding]:
        place, words = statement.place, statement.words
        terms = next((known for known in self._book.terms if any(mark in words for mark in known.marks)), None)
        if statement.spdx:
            self.identified[place] = statement.spdx
            return
        if terms is not None:
            self._found(terms, place)
        elif not statement.is_notice:
            self.identified[place] = statement.digest
            yield _of_unknown_text(statement)
        for rule, what, clause in clauses_in(words):
            yield _finding(rule, place, f"{what}: {shown(clause, 300)!r}")

    def _of_name(self, name: str, place: str) -> Iterator[Finding]:
        lower = name.lower()
        terms = next((known for known in self._book.terms if lower in (known.name.lower(), *known.known_as)), None)
        if lower in _PASSING:
            self.identified[place] = _PASSING[lower]
        elif terms is not None:
            self._found(terms, place)
        else:
            self.identified[place] = lower
            message = f"{shown(name)!r} is not a licence that passes by itself, and no fact about it is known"
            yield _finding("licence.custom", place, message)

    def _found(self, terms: LicenceTerms, place: str) -> None:
        self.identified[place] = terms.name
        self._terms[place] = terms

    def _of_terms(self, terms: LicenceTerms, place: str) -> Iterator[Finding]:
        """What is known of a licence, each thing under its own name."""
        source = f"({terms.source}, {terms.as_of})"
        yield _finding("licence.custom", place, f"it is under the {terms.title} {source}")
        if terms.remote_restriction:
            message = f"under the {terms.title} its licensor may restrict use remotely {source}"
            yield _finding("licence.remote", place, message)
        if terms.excluded:
            yield self._of_region(terms, place)
        if terms.cap:
            yield _finding("licence.cap", place, f"the {terms.title} has a cap: {terms.cap} {source}")
        if terms.limit:
            yield _finding("licence.limit", place, f"the {terms.title} asks: {terms.limit} {source}")

    def _of_region(self, terms: LicenceTerms, place: str) -> Finding:
        region = self._book.region
        whom = terms.excluded_whom or ", ".join(terms.excluded)
        if region and region not in terms.excluded:
            message = f"the {terms.title} grants nothing to {whom}; the operator is in {region}"
            return Finding(severity=Severity.NOTE, rule="licence.region", place=place, message=message)
        where = f"where the operator is ({region})" if region else "and the estate does not say where its operator is"
        message = f"the {terms.title} grants nothing to {whom}, {where} ({terms.source}, {terms.as_of})"
        return _finding("licence.region", place, message)


def _of_unknown_text(statement: Statement) -> Finding:
    claimed = next((name for words, name in _HEADED.items() if words in statement.words), "")
    if claimed:
        message = f"reads like {claimed} and differs from its text; a text that differs is not that licence"
        return _finding("licence.differs", statement.place, message)
    message = f"a text of its own, {statement.digest}: somebody has to read it"
    return _finding("licence.custom", statement.place, message)


def _contradictions(identified: dict[str, str]) -> Iterator[Finding]:
    if len(set(identified.values())) > 1:
        listed = "; ".join(f"{place}: {licence}" for place, licence in sorted(identified.items()))
        yield _finding("licence.contradiction", "the model", f"its places name different licences: {listed}")


def _finding(rule: str, place: str, message: str) -> Finding:
    return Finding(severity=Severity.APPROVAL, rule=rule, place=place, message=message)
