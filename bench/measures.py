# SPDX-License-Identifier: Apache-2.0
"""What an estate with an engine costs one caller, and in memory. Pairs alternate, so that drift favours neither."""

from statistics import median

from bench.estate import BenchEstate
from bench.memory import pss_by_process
from bench.report import Row
from bench.sections.owned import alternating

_QUESTION = "What is the capital of France, and which river runs through it? Answer in one sentence."


def added_first_token(estate: BenchEstate, *, rounds: int) -> Row:
    """Milliseconds that the gateway adds to the first token, the prompt already in the engine's cache."""
    through, past = estate.through_gateway(), estate.past_gateway()
    for caller in (past, through):
        caller.ask(_QUESTION, 1)
    added = []
    for first, second in alternating((through, past), rounds):
        times = {id(caller): caller.ask(_QUESTION, 1).first_token_s for caller in (first, second)}
        added.append((times[id(through)] - times[id(past)]) * 1000)
    return Row(name="added time to first token, p50", value=median(added), unit="ms", at_most=3.0, samples=added)


def memory(estate: BenchEstate) -> list[Row]:
    """PSS of each process after the calls above, engines apart."""
    status = estate.status()
    sizes = pss_by_process({process["name"]: process["pid"] for process in status["processes"] if process["pid"]})
    own = {name: size for name, size in sizes.items() if not name.startswith("engine ")}
    gateways = [size for name, size in own.items() if name.startswith("gateway")]
    return [
        Row(name="memory (PSS) of a gateway", value=max(gateways) / 1e6, unit="MB", at_most=90.0),
        Row(name="memory (PSS) of all processes but engines", value=sum(own.values()) / 1e6, unit="MB", at_most=250.0),
        *(Row(name=f"memory (PSS) of {name}", value=size / 1e6, unit="MB") for name, size in sizes.items()),
    ]
