# SPDX-License-Identifier: Apache-2.0
"""Explanations of decisions, as a person reads them."""

from collections.abc import Iterable

import click

from freehold.cli import output
from freehold.policy.explain import Because, Explanation


def show_explanations(explanations: Iterable[Explanation]) -> None:
    """Each backend with its answer, then the rules and what they met."""
    for explanation in explanations:
        output.say()
        colour = "green" if explanation.allowed else "red"
        whose = "" if explanation.operator == "self" else f" ({explanation.operator})"
        output.say(
            f"{click.style(explanation.backend, bold=True)}{whose}: {click.style(explanation.in_short, fg=colour)}"
        )
        for because in explanation.because:
            _show(because)
        if explanation.not_met:
            output.say("  These would permit, and do not hold:")
            for because in explanation.not_met:
                _show(because)


def _show(because: Because) -> None:
    output.say(f"  {because.effect} {because.rule}  ({because.file}, line {because.line})")
    output.say(f"    {because.says}")
    for fact in because.facts:
        output.say(f"    - {fact}")
