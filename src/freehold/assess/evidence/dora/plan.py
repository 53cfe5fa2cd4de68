# SPDX-License-Identifier: Apache-2.0
"""A plan to leave one provider, as Markdown: what hangs on it, who stands in, what was rehearsed, what is open."""

import re
from collections.abc import Iterator

from freehold.assess.evidence.dora.leaning import Carried, OnProvider
from freehold.assess.evidence.dora.register import Finding
from freehold.assess.evidence.picture import Picture

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|<>&~-])")


def write_plan(picture: Picture, on: OnProvider, findings: tuple[Finding, ...]) -> str:
    return "\n".join(_lines(picture, on, findings)) + "\n"


def _lines(picture: Picture, on: OnProvider, findings: tuple[Finding, ...]) -> Iterator[str]:
    facts = picture.backends[on.targets[0]].facts
    yield f"# Exit plan: {_plain(on.provider)}"
    yield ""
    yield f"Of the estate {_plain(picture.origin)}, {picture.at}, out of its files. A draft until somebody adopts it."
    yield ""
    yield f"- States that can compel the provider: {', '.join(on.authorities) or 'none'} (facts as of {facts.as_of})"
    yield f"- Calls on record that it answered: {'there is no ledger' if on.calls is None else on.calls}"
    kept = "not known" if facts.retention_days is None else f"{facts.retention_days} days at most"
    yield f"- What was sent is kept there for: {kept}"
    yield f"- Substitutability: {on.substitutability}"
    yield ""
    yield "## What hangs on it"
    for one in on.carried:
        yield from _carried(one)
    yield ""
    yield "## When to leave"
    yield ""
    yield "Failure, falling quality, an order of a state, a breach, the end of the contract."
    yield "What looks withdrawn is shown by `freehold target list`."
    yield ""
    yield "## How to leave"
    yield ""
    yield f"1. `freehold directive issue --provider {on.provider} --reason TEXT --source URL`: it gets no more calls."
    yield "2. `freehold status` shows what waits for an engine: capacity is known while they run."
    yield "3. Ask the provider to erase what it keeps, and end the contract by its notice."
    yield "4. Take its targets out of freehold.toml, and run 'freehold evidence dora' again."
    yield ""
    yield "## Not answered"
    yield ""
    about = f"--about {on.provider}"
    told = sorted({(finding.answer, finding.what) for finding in findings if finding.answer.endswith(about)})
    yield from (f"- `{answer}`: {_plain(what)}" for answer, what in told)
    if not told:
        yield "Nothing that the register asks about this provider."


def _carried(one: Carried) -> Iterator[str]:
    yield ""
    yield f"### {_plain(one.service)}"
    yield ""
    instead = ", ".join(map(_plain, one.instead)) or "nobody: the service stops"
    yield f"- Stands in: {instead}"
    if not one.drills:
        yield "- **No drill on this estate has tested this.**"
    for drill in one.drills:
        verdict = "passed" if drill.passed else "not passed"
        where = f"drills/{drill.id}.json, {drill.digest}"
        yield f"- Drill {drill.id} of {drill.began}, {_plain(drill.scenario)}: {verdict} ({where})"


def _plain(text: str) -> str:
    """Nothing in it is markup."""
    return _MARKS.sub(r"\\\1", text)
