# SPDX-License-Identifier: Apache-2.0
"""What a tuning found, as a person sees it: a table, a chart of speed against loss and memory, what became of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from freehold.cli import output
from freehold.cli.chart import Axis, Point, beside, chart

_MARKS = "abcdefghijklmnop"
_EXACT = ("F32", "F16", "BF16")
_BUSY = 0.2


def show_tuned(tuned: Mapping[str, Any]) -> None:
    """All of it."""
    rows = list(zip(_MARKS, tuned["formats"], strict=False))
    cores = tuned["cores"]
    output.say(f"{tuned['model']} on this host, {cores} core{'s' if cores != 1 else ''}, by {tuned['engine']}")
    output.say()
    _show_table(rows, tuned["chosen"])
    measured = [(mark, row) for mark, row in rows if row["call_s"] is not None]
    if len(measured) > 1:
        output.say()
        _show_chart(measured)
    output.say()
    for mark, row in rows:
        if row["problem"]:
            output.say(click.style(f"! {mark}  {row['format']}: {row['problem']}", fg="yellow"))
    _explain(tuned)


def tell_outcome(tuned: Mapping[str, Any]) -> None:
    """What is in the vault now, and what runs it."""
    derived, in_use = tuned["derived"], tuned["in_use"]
    if derived is None:
        output.say(f"Nothing is kept: {tuned['why_none']}" if tuned["why_none"] else "Nothing is kept, as was asked.")
        return
    verb = "was in the vault already" if tuned["was_there"] else "is in the vault, signed and approved"
    output.say(
        f"{click.style(derived['name'], bold=True)} {verb}: a usual call takes "
        f"{1 / tuned['speedup']:.0%} of the time that it took ({tuned['speedup']:.1f} times as fast)."
    )
    _tell_use(tuned["model"], derived["name"], in_use)


def _tell_use(model: str, derived: str, in_use: Mapping[str, Any] | None) -> None:
    if in_use is None:
        output.say(f'To use it, write model = "{derived}" in the target of freehold.toml that has {model};')
        output.say("then 'freehold down' and 'freehold up'. With --auto that line is changed for you.")
    elif in_use["changed"]:
        output.say(f"{in_use['file']}: the target {', '.join(in_use['targets'])} has it from the next start on.")
    elif not in_use["targets"]:
        output.say(f"No target runs {model}, so none was changed.")
    else:
        tables = ", ".join(f"[target.{name}]" for name in in_use["targets"])
        output.say(
            click.style(
                f'! {in_use["file"]} could not be changed surely. Write model = "{derived}" in {tables}.', fg="yellow"
            )
        )


def _show_table(rows: Sequence[tuple[str, Mapping[str, Any]]], chosen: str | None) -> None:
    output.table(
        ("", "format", "size", "reads", "makes", "memory", "a call", "speed", "loss", "cases", ""),
        [
            (
                mark,
                f"{row['format']}, as it is" if row["original"] else row["format"],
                output.size(row["size_bytes"]) if row["size_bytes"] else None,
                _rate(row["prompt_tokens_per_s"]),
                _rate(row["answer_tokens_per_s"]),
                output.size(row["memory_bytes"]) if row["memory_bytes"] else None,
                f"{row['call_s']:.1f} s" if row["call_s"] is not None else None,
                f"{row['speedup']:.1f}x" if row["speedup"] is not None else None,
                _loss(row),
                f"{row['cases_passed']} of {row['cases']}" if row["cases"] else None,
                "<- kept" if row["format"] == chosen and not row["original"] else " ",
            )
            for mark, row in rows
        ],
        empty="nothing was measured",
    )


def _show_chart(measured: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    speed = Axis(name="times as fast", write=lambda value: f"{value:.1f}x", from_zero=True)
    loss = Axis(name="loss", write=lambda value: f"{value:+.1%}")
    memory = Axis(name="memory", write=output.size)
    drawn = [
        chart([Point(mark=mark, x=row["speedup"], y=row[what]) for mark, row in measured], speed, axis)
        for what, axis in (("loss", loss), ("memory_bytes", memory))
    ]
    for line in beside(*drawn):
        output.say(line)


def _explain(tuned: Mapping[str, Any]) -> None:
    output.say("READS, MAKES: tokens a second, of a prompt and of an answer. A CALL: 512 tokens read, 128 made.")
    output.say(
        f"LOSS: growth of perplexity over {tuned['text_tokens']} tokens of text against the model as it is, and one "
        "standard error."
    )
    if tuned["quantisation"] not in _EXACT:
        output.say(
            f"It came rounded to {tuned['quantisation']}: what that had cost before is in none of these figures."
        )
    if tuned["disturbance"] > _BUSY:
        line = (
            f"! The host was busy: two readings of the model as it is differ by {tuned['disturbance']:.0%}. Try again."
        )
        output.say(click.style(line, fg="yellow"))
    output.say()


def _rate(tokens_per_s: float | None) -> str | None:
    return None if tokens_per_s is None else f"{tokens_per_s:.0f}/s"


def _loss(row: Mapping[str, Any]) -> str | None:
    if row["loss"] is None or row["original"]:
        return None
    return f"{row['loss']:+.1%} ±{row['loss_error']:.1%}"
