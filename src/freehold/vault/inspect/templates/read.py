# SPDX-License-Identifier: Apache-2.0
"""One chat template, read: its digest, what it says by itself, and all that was found in it."""

from collections import Counter
from dataclasses import dataclass

from freehold.errors import VaultError
from freehold.vault.inspect.findings import Finding, Severity, digest_of, gravest_first
from freehold.vault.inspect.templates.parsing import parse

_MOST_OF_A_KIND = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatTemplate:
    """``digest`` is pinned with the model: another text needs another approval."""

    name: str  # "default", or what the model calls it
    place: str
    digest: str  # over its UTF-8 text
    sentences: tuple[str, ...] = ()  # what it says by itself
    findings: tuple[Finding, ...] = ()


def read_template(text: str, *, name: str, place: str) -> ChatTemplate:
    """Read a template. What is wrong with it is among its findings: nothing is raised for what its text may be."""
    try:
        return _read(text, name, place)
    except VaultError as problem:
        message = problem.message.removeprefix(place).lstrip(", :")
    except RecursionError:
        message = "the template is nested deeper than any that is meant to be read"
    refusal = Finding(severity=Severity.REFUSED, rule="template.syntax", place=place, message=message)
    return ChatTemplate(name=name, place=place, digest=digest_of(text), findings=(refusal,))


def _read(text: str, name: str, place: str) -> ChatTemplate:
    tree = parse(text, place)
    # They import jinja2, which most commands do without.
    from freehold.vault.inspect.templates.conditions import check_conditions  # noqa: PLC0415
    from freehold.vault.inspect.templates.flow import Flow  # noqa: PLC0415
    from freehold.vault.inspect.templates.lookups import check_lookups  # noqa: PLC0415
    from freehold.vault.inspect.templates.syntax import check_syntax  # noqa: PLC0415
    from freehold.vault.inspect.templates.wording import check_characters, check_wording, sentences  # noqa: PLC0415

    flow = Flow(tree)
    findings = [
        *check_syntax(tree, place),
        *check_lookups(tree, flow, place),
        *check_conditions(tree, flow, place),
        *check_wording(tree, place),
        *check_characters(text, tree, place),
    ]
    return ChatTemplate(
        name=name,
        place=place,
        digest=digest_of(text),
        sentences=sentences(tree),
        findings=gravest_first(_first_of_each(findings)),
    )


def _first_of_each(findings: list[Finding]) -> list[Finding]:
    """So many of each kind, and of the rest how many there are; the template is pinned as a whole."""
    kept, counts = list[Finding](), Counter[tuple[str, Severity]]()
    for finding in findings:
        counts[finding.rule, finding.severity] += 1
        if counts[finding.rule, finding.severity] <= _MOST_OF_A_KIND:
            kept.append(finding)
    for (rule, severity), count in counts.items():
        if count > _MOST_OF_A_KIND:
            place, more = findings[0].place.partition(", line")[0], count - _MOST_OF_A_KIND
            kept.append(Finding(severity=severity, rule=rule, place=place, message=f"{more} more like these"))
    return kept
