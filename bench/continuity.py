# SPDX-License-Identifier: Apache-2.0
"""What it costs when a provider vanishes in the middle of answers, and what it costs to be ready for that.

Run it alone: ``python -m bench.continuity``. Providers are simulated, each a process of its own; the engine is real.
The mass withdrawals say in their names which of the two went on with the answers.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench import machine
from bench.client import Asker, UnixConnection
from bench.listening import Got, Listener, Wanted
from bench.providers import Provider
from bench.relaying import cost_per_event_us
from bench.report import Row
from tests.simulator.faults import Fault, FaultKind
from tests.simulator.scripts import LONG_PIECES, LOOKING, TALE
from tests.system import foreign
from tests.system.estates import Estate

_SAID_WORDS = 60
_CUT = Fault(kind=FaultKind.ERROR_EVENT, before=f'" word{_SAID_WORDS}"')  # of the long script
_HELD = Fault(kind=FaultKind.SILENCE, after=8)  # in the midst of a text, and of a tool call
_WITHDRAWN = Fault(kind=FaultKind.STATUS, status=404)
_IN_FLIGHT, _ARRIVING, _ON_ENGINE = 160, 40, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """An estate with a provider that will vanish, one that will not, and an engine."""

    estate: Estate
    vanishing: Provider
    lasting: Provider
    listener: Listener

    def heal(self, service: str) -> None:
        """Let the gateway see a whole answer of the service's first target, so that its next fault is none of a row."""
        self.vanishing.play()
        self.listener.ask(Wanted(service=service, question="Be well."))


@contextmanager
def scene() -> Iterator[Scene]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="freehold-continuity-")))
        vanishing, lasting = stack.enter_context(Provider()), stack.enter_context(Provider())
        estate = Estate(directory / "estate")
        stack.callback(estate.destroy)
        _make(estate, vanishing, lasting)
        yield Scene(estate=estate, vanishing=vanishing, lasting=lasting, listener=Listener(estate.base_url, estate.key))


def _make(estate: Estate, vanishing: Provider, lasting: Provider) -> None:
    estate.run("init")
    foreign.tell(
        estate,
        vanishing,
        replace(foreign.OPENAI, name="vanishing"),
        replace(foreign.OPENAI, name="lasting", port=lasting.port, settings=('prefill = "text"',)),
    )
    for script in ("tale", "tale-call", "long", "text"):
        foreign.serve(estate, f"one-{script}", f"vanishing/sim-{script}")
        foreign.serve(estate, f"two-{script}", f"vanishing/sim-{script}", f"lasting/sim-{script}")
        foreign.serve(estate, f"owned-{script}", f"leaving-{script}=vanishing/sim-{script}", "local")
    estate.up()


def measure(on: Scene, *, rounds: int) -> Iterator[Row]:
    """In an order that keeps the vanishing provider fit to be tried first until it is withdrawn for good."""
    yield from to_next_request(on, rounds=rounds * 7)
    yield from gaps_with_engine(on, rounds=rounds)
    yield from healthy_path(on, rounds=rounds * 20)
    yield from relay_cost(rounds=rounds)
    yield from mass_withdrawal(on, simulated=False)
    yield from mass_withdrawal(on, simulated=True)


def to_next_request(on: Scene, *, rounds: int) -> Iterator[Row]:
    """From the provider's error event to the headers of the next one's request: two ways over loopback are in it."""
    taken_ms = []
    for number in range(rounds):
        on.heal("two-tale")
        on.vanishing.forget()
        on.lasting.forget()
        on.vanishing.play(Fault(kind=FaultKind.ERROR_EVENT, after=6))
        got = on.listener.ask(Wanted(service="two-tale", question=f"next {number}"))
        if got.text != TALE:
            raise RuntimeError(f"the answer is {got.text!r}")
        (broke,), (asked,) = on.vanishing.heard(), on.lasting.heard()
        taken_ms.append((asked["at_s"] - broke["broke_s"]) * 1000)
    yield Row(name="fault to the next request, p50", value=median(taken_ms), unit="ms", samples=taken_ms)
    yield Row(name="fault to the next request, p99", value=_percentile(taken_ms, 99), unit="ms", at_most=20.0)


def gaps_with_engine(on: Scene, *, rounds: int) -> Iterator[Row]:
    """The gap in a stream that an engine goes on with, and what that engine alone takes to its first token there."""
    prefill_ms, gaps_ms = [], []
    most = _SAID_WORDS + 30
    for number in range(rounds):
        prefill_ms.append(_prefill_ms(on, number))
        on.heal("owned-long")
        on.vanishing.play(_CUT)
        got = on.listener.ask(Wanted(service="owned-long", question=_question(number + 1000), max_tokens=most))
        if not got.is_whole or got.text.endswith(f"word{LONG_PIECES - 1}"):
            raise RuntimeError(f"the answer was not gone on with: {got.text[-200:]!r}")
        gaps_ms.append(got.longest_gap_s * 1000)
    over = [gap - alone for gap, alone in zip(gaps_ms, prefill_ms, strict=True)]
    alone = "prefill of what was said, by the engine alone, p50"
    yield Row(name=alone, value=median(prefill_ms), unit="ms", samples=prefill_ms)
    yield Row(name="longest gap in a continued stream, p50", value=median(gaps_ms), unit="ms", samples=gaps_ms)
    yield Row(name="longest gap less the prefill, p50", value=median(over), unit="ms", at_most=100.0, samples=over)
    yield Row(name="longest gap less the prefill, worst", value=max(over), unit="ms", at_most=100.0, samples=over)


def healthy_path(on: Scene, *, rounds: int) -> Iterator[Row]:
    """What a second target costs while nobody needs it: the time with one target over that with two, taken in turn."""
    on.vanishing.play()
    for stream, script in ((True, "long"), (False, "text")):
        ratios = []
        for number in range(rounds):
            pair = ["one", "two"] if number % 2 else ["two", "one"]
            times = {
                which: _time_s(on, Wanted(service=f"{which}-{script}", question="x", stream=stream)) for which in pair
            }
            ratios.append(times["one"] / times["two"])
        mode = "streamed" if stream else "not streamed"
        yield Row(
            name=f"speed with a waiting second target / with one, {mode}",
            value=median(ratios),
            unit="",
            at_least=0.97,
            samples=ratios,
        )


def relay_cost(*, rounds: int) -> Iterator[Row]:
    taken = cost_per_event_us(rounds)
    for name in ("one_target", "two_targets"):
        added = taken[name] - taken["alone"]
        yield Row(name=f"relay's own time per event, {name.replace('_', ' ')}", value=added, unit="us")


def mass_withdrawal(on: Scene, *, simulated: bool) -> Iterator[Row]:
    """All answers under way break off at once, and the model is not found from then on, while more calls arrive."""
    held, arriving = (_IN_FLIGHT, _ARRIVING) if simulated else (_ON_ENGINE, 0)
    on.vanishing.forget()
    on.vanishing.play(_HELD)
    with ThreadPoolExecutor(2) as pool:
        under_way = pool.submit(_ask_all, on, [_wanted(number, simulated=simulated) for number in range(held)])
        on.vanishing.await_held(held)
        on.vanishing.play(_WITHDRAWN)
        coming = pool.submit(_ask_all, on, [_wanted(number, simulated=simulated) for number in range(arriving)])
        on.vanishing.cut()
        every = [*under_way.result(), *coming.result()]
    label = f"{held + arriving} calls, a {'simulated substitute' if simulated else 'real engine'}"
    for name, count in _counted(every, simulated=simulated).items():
        yield Row(name=f"withdrawal, {label}: {name}", value=count, unit="", at_most=None if name == "shed" else 0)


def _wanted(number: int, *, simulated: bool) -> Wanted:
    if not simulated:
        return Wanted(service="owned-tale", question=f"Tell it, {number}.", max_tokens=32)
    tools = number % 4 == 0
    return Wanted(service="two-tale-call" if tools else "two-tale", question=f"Tell it, {number}.", tools=tools)


def _ask_all(on: Scene, every: Sequence[Wanted]) -> list[Got]:
    return asyncio.run(on.listener.all_of(every))


def _counted(every: Sequence[Got], *, simulated: bool) -> Mapping[str, int]:
    """Calls by what was wrong with them; those that were shed are counted apart, and never as served."""
    served = [got for got in every if not got.is_shed]
    wrong: dict[str, Callable[[Got], bool]] = {
        "lost": lambda got: got.status != 200,
        "broken": lambda got: got.status == 200 and not got.is_whole,
        "with characters repeated or missing": lambda got: not _says_all(got, simulated=simulated),
    }
    if simulated:  # the engine's model calls no tools
        wrong["with a tool call doubled or not valid"] = lambda got: not _calls_once(got)
    counts = {name: sum(map(is_wrong, served)) for name, is_wrong in wrong.items()}
    return {"shed": len(every) - len(served), **counts}


def _says_all(got: Got, *, simulated: bool) -> bool:
    """What the engine says is its own: of that, what came before it must stand, and something must follow."""
    if simulated:
        return got.text == (LOOKING if got.wanted.tools else TALE)
    begun = TALE[:28]  # 7 pieces, and one event for the role
    return got.text.startswith(begun) and len(got.text) > len(begun)


def _calls_once(got: Got) -> bool:
    if not got.wanted.tools:
        return not got.calls
    return [json.loads(arguments) for arguments in got.calls.values()] == [{"city": "Zürich", "days": 7}]


def _time_s(on: Scene, wanted: Wanted) -> float:
    got = on.listener.ask(wanted)
    if got.status != 200:
        raise RuntimeError(f"the answer was {got.status}")
    return got.ended_s - got.begun_s


def _question(number: int) -> str:
    """As long as any other, and unlike any other from its first word: nothing of it lies in the engine's cache."""
    return f"{number:06} is where you begin: count on."


def _prefill_ms(on: Scene, number: int) -> float:
    said = "".join(f"word{at} " for at in range(_SAID_WORDS)).rstrip()
    target = next(target for target in on.estate.status()["targets"] if target["target"] == "local")
    socket = on.estate.files / "run" / "engine" / "local" / "engine.sock"
    asker = Asker(UnixConnection(socket), target["model"])
    turns = [{"role": "user", "content": _question(number)}, {"role": "assistant", "content": said}]
    return asker.ask_turns(turns, 1).first_token_s * 1000


def _percentile(values: Sequence[float], percent: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def main() -> None:
    """Print the numbers as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m bench.continuity", description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a result")
    rounds = 3 if parser.parse_args().quick else 15
    with scene() as on:
        rows = list(measure(on, rounds=rounds))
    numbers: dict[str, Any] = {
        row.name: {"value": round(row.value, 3), "unit": row.unit, "target": row.target, "verdict": row.verdict}
        for row in rows
    }
    print(json.dumps({"continuity": {"python": machine.python(), "rounds": rounds, **numbers}}, indent=2))


if __name__ == "__main__":
    main()
