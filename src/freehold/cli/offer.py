# SPDX-License-Identifier: Apache-2.0
"""What a first start offers: the default model in the format that suits this host. It asks a person, or nobody."""

import sys
from contextlib import suppress

import click

from freehold.bootstrap.start import ANSWERING, Up
from freehold.cli import output
from freehold.cli.tuned import show_tuned, tell_outcome
from freehold.contract.estate import Estate
from freehold.errors import EstateError, FreeholdError
from freehold.tuning import find_tools
from freehold.vault import DEFAULT_MODEL

_GAIN = "1.7 times as fast where that was measured"


def offer_tuning(estate: Estate, begun: Up) -> bool:
    """On the run that made the estate: tune its model if the person there wants it, else say how. Whether one was."""
    model = DEFAULT_MODEL.name
    runs = any(target["model"] == model and target["state"] in ANSWERING for target in begun.status["targets"])
    if not begun.first_key or not runs or not _can_tune(estate):
        return False
    output.say()
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        output.say(f"freehold model tune {model} --auto   makes it faster on this host: {_GAIN}")
        return False
    output.say(f"This host can run {model} faster in another format: {_GAIN}.")
    if not click.confirm("Measure that now, which takes some minutes, and use the best?", default=False):
        output.say(f"'freehold model tune {model} --auto' does it at any time.")
        return False
    try:
        with output.progress() as show:
            path = f"models/{model}/tune"
            tuned = begun.client.post(path, {"auto": True}, progress=output.told(show))["tune"]
    except FreeholdError as problem:  # the estate is up all the same
        output.report(problem)
        return False
    show_tuned(tuned)
    tell_outcome(tuned)
    return bool(tuned["in_use"] and tuned["in_use"]["changed"])


def _can_tune(estate: Estate) -> bool:
    with suppress(EstateError):
        return bool(find_tools(estate.engines).tools)
    return False
