# SPDX-License-Identifier: Apache-2.0
"""A scorecard for people: lines with a chart for a terminal, and one HTML file that needs nothing but itself. Pure."""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil

from freehold.continuity.drill.scorecard import Scorecard, Slice

_MOST_COLUMNS = 72
_LEVELS = " ▁▂▃▄▅▆▇█"
_MARKS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_COLOURS = ("#2b6cb0", "#2f855a", "#b7791f", "#6b46c1", "#2c7a7b", "#97266d")
_NOT_ANSWERED = "#c53030"
_PLOT_WIDTH, _PLOT_HEIGHT = 860, 180
_STYLE = """\
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1a202c; }
table { border-collapse: collapse; margin: 1rem 0; } td, th { padding: .2rem .8rem .2rem 0; text-align: left; }
.held { color: #276749; } .missed { color: #c53030; } small { color: #4a5568; } svg { max-width: 100%; height: auto; }
"""


def lines(card: Scorecard, digest: str) -> Iterator[str]:
    """The scorecard for a terminal."""
    yield f"Drill {card.id}: {card.scenario}, service {card.service}, {_word(card)}"
    yield card.about
    if card.simulated:
        yield f"Simulated providers: {', '.join(card.simulated)}. No provider was asked."
    yield ""
    yield from _chart(card)
    yield ""
    if not any(step.targets for step in card.happened):
        yield "None of it befell a target of the service: there is nobody of that kind among them."
        yield ""
    width = max(len(name) for name, _ in figures(card))
    for name, value in figures(card):
        yield f"{name.ljust(width)}  {value}"
    yield ""
    for held in card.verdict:
        found = "not known" if held.found is None else f"{held.found:g}"
        yield f"{'held  ' if held.holds else 'MISSED'}  {held.objective} {held.stated:g}: found {found}"
    yield f"Verdict: {'passed' if card.passed else 'NOT PASSED'}. Digest, as in the ledger: {digest}"


def figures(card: Scorecard) -> list[tuple[str, str]]:
    """Every figure in words, as all reports show them."""
    calls = card.calls
    errors = ", ".join(f"{code} {count}" for code, count in sorted(card.errors.items()))
    return [
        ("calls made", str(calls.made)),
        ("answered whole", str(calls.answered)),
        ("lost", str(calls.lost)),
        ("streams broken", str(calls.broken)),
        ("shed for want of capacity", f"{calls.shed} (not answered either)"),
        ("refused by policy", str(calls.refused)),
        ("errors", errors or "none"),
        ("seams", str(card.seams)),
        ("characters missing", _characters(card.characters_missing, card)),
        ("characters repeated", _characters(card.characters_repeated, card)),
        ("tool calls", f"{card.tool_calls}, doubled {card.tool_calls_doubled}"),
        ("policy violations", str(card.policy_violations)),
        ("answered by another model", str(card.answered_by_another_model)),
        ("time to recover", f"p50 {_seconds(card.recovery_p50_s)}, p99 {_seconds(card.recovery_p99_s)}"),
        ("longest time to recover", _longest(card)),
        ("added time to first token", _seconds(card.added_first_s)),
        ("longest gap in a stream", _seconds(card.longest_gap_s)),
        ("waiting at the peak", f"{card.waiting_peak} calls"),
        ("acceptance", f"before {_share(card.acceptance_before)}, after {_share(card.acceptance_after)}"),
    ]


def page(card: Scorecard, digest: str) -> str:
    """The scorecard as one file of HTML: no script, and nothing from elsewhere."""
    title = f"Drill {card.id}: {card.scenario}"
    verdict = "passed" if card.passed else "not passed"
    rows = "".join(f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in figures(card))
    held = "".join(
        f'<tr class="{"held" if item.holds else "missed"}"><td>{"held" if item.holds else "missed"}</td>'
        f"<td>{escape(item.objective)} {item.stated:g}</td>"
        f"<td>found {'not known' if item.found is None else f'{item.found:g}'}</td></tr>"
        for item in card.verdict
    )
    happened = "".join(f"<tr><td>{step.at_s:.1f} s</td><td>{escape(step.what)}</td></tr>" for step in card.happened)
    simulated = f"<p><strong>Simulated providers: {escape(', '.join(card.simulated))}.</strong></p>"
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
<p>{escape(card.about)} Service {escape(card.service)}, {escape(_word(card))}. Begun {escape(card.began)}.</p>
{simulated if card.simulated else ""}
<p class="{"held" if card.passed else "missed"}"><strong>Verdict: {verdict}</strong></p>
<table>{held}</table>
{_plot(card)}
<h2>What happened</h2>
<table>{happened}</table>
<h2>How the calls fared</h2>
<table>{rows}</table>
<p><small>Scorecard, as in the ledger: {escape(digest)}. Scenario: {escape(card.scenario_sha256)}.</small></p>
</body>
</html>
"""


def _chart(card: Scorecard) -> Iterator[str]:
    """One column for each second, or for as many as it takes to fit."""
    slices = card.seconds
    span = max(1, ceil(len(slices) / _MOST_COLUMNS))
    columns = [slices[at : at + span] for at in range(0, len(slices), span)]
    targets = _targets(slices)
    peak = max((sum(part.began for part in column) for column in columns), default=0)
    label = max(len(name) for name in (*targets, "not answered", "what happened"))
    yield f"{'seconds'.ljust(label)}  {_axis(len(columns), span)}"
    yield f"{'what happened'.ljust(label)}  {_marks(card, len(columns), span)}"
    for target in targets:
        bars = (_bar(sum(part.answered.get(target, 0) for part in column), peak) for column in columns)
        yield f"{target.ljust(label)}  {''.join(bars)}".rstrip()
    bars = (_bar(sum(part.not_answered for part in column), peak) for column in columns)
    yield f"{'not answered'.ljust(label)}  {''.join(bars)}".rstrip()
    for mark, step in zip(_MARKS, card.happened, strict=False):
        yield f"  {mark}  {step.at_s:5.1f} s  {step.what}"


def _axis(columns: int, span: int) -> str:
    return "".join(str(at * span).ljust(10) for at in range(0, columns, 10)).rstrip()


def _marks(card: Scorecard, columns: int, span: int) -> str:
    row = ["."] * columns
    for mark, step in zip(_MARKS, card.happened, strict=False):
        at = min(columns - 1, int(step.at_s / span))
        row[at] = mark if row[at] == "." else "*"  # several at once: the list below has them all
    return "".join(row)


def _bar(count: int, peak: int) -> str:
    return _LEVELS[ceil(count / peak * (len(_LEVELS) - 1))] if peak else " "


def _plot(card: Scorecard) -> str:
    """Bars of calls by the second in which they began and by who answered, and a line for whatever happened."""
    slices, targets = card.seconds, _targets(card.seconds)
    peak = max((part.began for part in slices), default=0) or 1
    width = _PLOT_WIDTH / max(1, len(slices))
    colours = dict(zip(targets, (_COLOURS[at % len(_COLOURS)] for at in range(len(targets))), strict=True))
    drawn = [_stack(part, colours, width, _PLOT_HEIGHT / peak) for part in slices]
    drawn += [
        f'<line x1="{step.at_s * width:.1f}" x2="{step.at_s * width:.1f}" y1="0" y2="{_PLOT_HEIGHT}" '
        f'stroke="#718096" stroke-dasharray="3"><title>{escape(step.what)}</title></line>'
        for step in card.happened
    ]
    legend = " ".join(
        f'<span style="color:{colour}">&#9632;</span> {escape(name)}'
        for name, colour in (*colours.items(), ("not answered", _NOT_ANSWERED))
    )
    return (
        f'<svg viewBox="0 0 {_PLOT_WIDTH} {_PLOT_HEIGHT}" role="img" aria-label="calls by second">'
        f"{''.join(drawn)}</svg><p>{legend}</p>"
    )


def _stack(part: Slice, colours: dict[str, str], width: float, unit: float) -> str:
    drawn, y = [], float(_PLOT_HEIGHT)
    counts = [(part.answered.get(name, 0), colour) for name, colour in colours.items()]
    for count, colour in (*counts, (part.not_answered, _NOT_ANSWERED)):
        y -= count * unit
        if count:
            drawn.append(
                f'<rect x="{part.at_s * width:.1f}" y="{y:.1f}" width="{max(1.0, width - 1):.1f}" '
                f'height="{count * unit:.1f}" fill="{colour}"/>'
            )
    return "".join(drawn)


def _targets(slices: Sequence[Slice]) -> list[str]:
    """Who answered, in the order in which they came to."""
    return list(dict.fromkeys(name for part in slices for name in part.answered))


def _word(card: Scorecard) -> str:
    return f"{card.traffic} traffic"


def _characters(count: int | None, card: Scorecard) -> str:
    if count is None:
        return "not known: no answer's text is known beforehand"
    return f"{count} in the {card.characters_checked} answers whose text is known beforehand"


def _longest(card: Scorecard) -> str:
    if card.never_recovered:
        return f"never, for {card.never_recovered} calls"
    return _seconds(card.recovery_longest_s)


def _seconds(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f} s"


def _share(value: float | None) -> str:
    return "not known" if value is None else f"{value:.0%}"
