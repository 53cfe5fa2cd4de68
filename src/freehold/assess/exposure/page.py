# SPDX-License-Identifier: Apache-2.0
"""An assessment as one page of HTML that needs nothing but itself: no script, no font and no picture from anywhere.

Whatever stands in it comes from files that nobody vouches for, so every text goes through ``escape``, and the page
forbids itself to load or run anything.
"""

from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Final

from freehold.assess.exposure.assessment import Assessment, Dependency, Exposure
from freehold.assess.exposure.graph import draw
from freehold.assess.exposure.moving import Effort

_STYLE: Final = Path(__file__).with_name("page.css")
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_MOST_FINDINGS: Final = 5000  # on the page; JSON has all
EFFORTS: Final = {Effort.BASE_URL: "a base URL", Effort.DIALECT: "a translated dialect", Effort.CODE: "code to change"}


def write_page(assessment: Assessment, at: str) -> bytes:
    """``at``: the day, as it is to be read."""
    title = f"AI dependencies of {', '.join(assessment.paths)}"
    body = "".join(_body(assessment, at))
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        f"<meta http-equiv='Content-Security-Policy' content=\"{_POLICY}\">"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<meta name='referrer' content='no-referrer'><meta name='color-scheme' content='light dark'>"
        f"<title>{escape(title)}</title><style>{_STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body>{body}</body></html>\n"
    ).encode()


def _body(assessment: Assessment, at: str) -> Iterator[str]:
    yield from _head(assessment, at)
    yield "<main>"
    yield from _dependencies(assessment)
    if assessment.dependencies:
        yield "<section><h2>Who asks whom</h2><p class='say'>Applications on the left, providers in the middle, the "
        yield "states that can compel them on the right. ?? stands for what nobody established.</p>"
        yield f"<div class='graph'>{draw(assessment)}</div></section>"
    yield from _secrets(assessment)
    yield from _findings(assessment)
    yield from _owned(assessment)
    yield from _unread(assessment)
    yield "</main><footer><p>Written by freehold assess. It read files, ran nothing, asked nobody. What it missed "
    yield "is there all the same. Who can compel a provider is derived from the facts of this release; "
    yield "<code>freehold provider show NAME</code> gives every source. Not legal advice.</p></footer>"


def _head(assessment: Assessment, at: str) -> Iterator[str]:
    states = [state for state in assessment.states if state != "??"]
    yield f"<header><p class='kind'>Exposure of a code base, {escape(at)}</p>"
    yield f"<h1>{escape(', '.join(assessment.paths))}</h1><div class='figures'>"
    unknown = sum("??" in one.states for one in assessment.dependencies)
    users = len({one.application for one in assessment.exposures})
    for figure, said in (
        (len(assessment.dependencies), "providers" if len(assessment.dependencies) != 1 else "provider"),
        (len(states), f"states: {', '.join(states)}" if states else "states established"),
        (unknown, "providers with open questions"),
        (users, "applications" if users != 1 else "application"),
        (len(assessment.exposures), "places in the code"),
        (len(assessment.secrets), "secrets in plain text"),
    ):
        yield f"<div><b>{figure}</b><span>{escape(said)}</span></div>"
    yield f"</div>{_bar(assessment)}</header>"


def _bar(assessment: Assessment) -> str:
    """How much of it is how hard to leave."""
    counts = {effort: sum(one.move.effort is effort for one in assessment.exposures) for effort in Effort}
    total = sum(counts.values())
    if not total:
        return "<p class='say'>No dependency on a provider was found.</p>"
    parts = "".join(f"<i class='{effort}' style='flex-grow:{count}'></i>" for effort, count in counts.items() if count)
    legend = "".join(
        f"<li class='{effort}'>{count} need {escape(EFFORTS[effort])}</li>" for effort, count in counts.items() if count
    )
    bar = f"<div class='bar' role='img' aria-label='How hard it is to leave'>{parts}</div>"
    return f"{bar}<ul class='legend'>{legend}</ul>"


def _dependencies(assessment: Assessment) -> Iterator[str]:
    yield "<section><h2>On whom it depends</h2>"
    if not assessment.dependencies:
        yield "<p>On nobody that is known here.</p></section>"
        return
    yield "<div class='wide'><table><thead><tr><th>Provider</th><th>States that can compel it</th><th>Found in</th>"
    yield "<th>As</th><th>To leave</th></tr></thead><tbody>"
    for one in assessment.dependencies:
        yield _dependency(one)
    yield "</tbody></table></div></section>"


def _dependency(one: Dependency) -> str:
    marks = "".join(
        f"<span class='state{' open' if state == '??' else ''}'>{escape(state)}</span>" for state in one.states
    )
    facts = "" if one.known else "<br><small>no facts are known of it</small>"
    why = "".join(
        f"<li>{escape(a.state)}: {escape(a.because)} <small>{escape(a.confidence)}, {escape(a.as_of) or 'no source'}"
        f"{f', {_source(a.source)}' if a.source else ''}</small></li>"
        for a in one.authorities
    )
    applications = ", ".join(one.applications[:6]) + (
        f" and {len(one.applications) - 6} more" if len(one.applications) > 6 else ""
    )
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in one.kinds.items())
    efforts = "<br>".join(
        f"<span class='effort {effort}'>{count} {escape(EFFORTS[effort])}</span>"
        for effort, count in one.efforts.items()
    )
    return (
        f"<tr><td data-is='Provider'><b>{escape(one.title)}</b>{facts}</td>"
        f"<td data-is='States'>{marks}<details><summary>why</summary><ul>{why}</ul></details></td>"
        f"<td data-is='Found in'>{escape(applications)}</td><td data-is='As'>{escape(kinds)}</td>"
        f"<td data-is='To leave'>{efforts}</td></tr>"
    )


def _source(source: str) -> str:
    """Sources are this release's or the estate's; only what is plainly a web address becomes a link."""
    if source.startswith("https://") and " " not in source:
        return f"<a href='{escape(source, quote=True)}' rel='noreferrer noopener'>source</a>"
    return escape(source)


def _secrets(assessment: Assessment) -> Iterator[str]:
    if assessment.secrets:
        yield "<section><h2>Secrets in plain text</h2><p class='say'>By kind and place; their values are not in this "
        yield "report. Revoke them: whoever has the code has them.</p><ul class='list'>"
        for one in assessment.secrets:
            yield f"<li><code>{escape(one.file)}:{one.line}</code> {escape(one.what)}</li>"
        yield "</ul></section>"


def _findings(assessment: Assessment) -> Iterator[str]:
    shown = assessment.exposures[:_MOST_FINDINGS]
    if not shown:
        return
    yield "<section><h2>Where it stands</h2>"
    if len(assessment.exposures) > len(shown):
        every = len(assessment.exposures)
        yield f"<p class='say'>The first {len(shown)} of {every}; <code>--format json</code> has all.</p>"
    for dependency in assessment.dependencies:
        own = [one for one in shown if one.found.provider == dependency.provider]
        opened = " open" if len(shown) <= 60 else ""
        yield f"<details class='of'{opened}><summary>{escape(dependency.title)} <small>{len(own)}</small></summary>"
        yield "<ul class='list'>"
        yield from (_finding(one) for one in own)
        yield "</ul></details>"
    yield "</section>"


def _finding(one: Exposure) -> str:
    lost = "".join(f"<br><small>lost: {escape(item)}</small>" for item in one.move.lost)
    note = f"; {escape(one.found.note)}" if one.found.note else ""
    new = "<span class='new'>new</span>" if one.new else ""
    return (
        f"<li><code class='place'>{escape(one.found.file)}:{one.found.line}</code> "
        f"<span class='kind'>{escape(one.found.kind.replace('_', ' '))}</span>{new} "
        f"<code>{escape(one.found.evidence)}</code><br>"
        f"<small>{escape(one.found.certainty)} confidence{note}; to leave: "
        f"{escape(one.move.what)}</small>{lost}</li>"
    )


def _owned(assessment: Assessment) -> Iterator[str]:
    if assessment.owned:
        yield "<section><h2>What is one's own</h2><p class='say'>No exposure.</p>"
        yield f"<details><summary>{len(assessment.owned)} places</summary><ul class='list'>"
        for one in assessment.owned:
            place = f"<code class='place'>{escape(one.file)}:{one.line}</code>"
            yield f"<li>{place} <code>{escape(one.evidence)}</code></li>"
        yield "</ul></details></section>"


def _unread(assessment: Assessment) -> Iterator[str]:
    lines: Iterable[str] = [
        *(f"{count} {reason}" for reason, count in assessment.passed_over.items()),
        *(f"{name} is an archive, and was not opened" for name in assessment.archives),
        *(f"{one.file} {one.what}" for one in assessment.troubles),
    ]
    listed = "".join(f"<li>{escape(line)}</li>" for line in lines)
    yield f"<section><h2>What was read</h2><p>{assessment.files} files were met.</p>"
    yield (
        f"<details><summary>Not read, or not whole</summary><ul class='list'>{listed}</ul></details></section>"
        if listed
        else "</section>"
    )
