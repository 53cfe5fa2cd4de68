# SPDX-License-Identifier: Apache-2.0
"""An estate for the table of faults; its calls, many at a time; and what callers saw of each."""

import json
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import anthropic
import openai
from mistralai.client.errors import MistralError
from tests.ports import free_port
from tests.simulator.faults import Play
from tests.simulator.heard import Heard
from tests.simulator.scripts import LOOKING, TALE, THOUGHT
from tests.simulator.server import Simulator
from tests.system import foreign, records, whole
from tests.system.callers import CALLERS, Caller, Question, Seen
from tests.system.cells import (
    ANOTHER_NAME,
    BREAKS,
    CANNOT,
    DAWDLING,
    FINISHED,
    IN_THOUGHT,
    REFUSING,
    STATUSES,
    UNANSWERED,
    Cell,
)
from tests.system.estates import Estate
from tests.system.records import CallRecord
from tests.system.simulated import CITY, IN_ZURICH
from tests.system.waiting import wait_for

AT_ONCE = 16
BASES = {p.name: p for p in (foreign.OPENAI, foreign.COMPATIBLE, foreign.RESPONSES, foreign.ANTHROPIC, foreign.MISTRAL)}
INPUT_TOKENS = 41
# Only for whom nothing comes from: how long others take says how busy this machine is.
_HURRIED = ("first_event_s = 2.0", "idle_s = 1.5", "whole_answer_s = 2.0", "least_events_per_minute = 600")
_SDK_ERRORS = (openai.OpenAIError, anthropic.AnthropicError, MistralError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a caller saw of a cell, and what is on record of it."""

    cell: Cell
    seen: Seen | None  # nothing where the SDK raised
    raised: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    record: CallRecord | None = None
    broke: Sequence[Heard] = ()  # what reached the first target
    handed_on: Sequence[str] = ()  # what the second target was asked

    @property
    def outcome(self) -> Mapping[str, Any]:
        assert self.record, f"{self.cell.name} is not on record: {self.status} {self.body!r}"
        (outcome,) = self.record.outcomes
        return outcome

    @property
    def way(self) -> str:
        """How the answer went on."""
        if self.outcome["ending"] == "failed":
            return "error"
        if not (seams := self.outcome.get("seams", ())):
            return "whole" if self.headers["freehold-target"] == self.cell.word else "next"
        return "; ".join(str(seam["how"]).replace("_", " ") for seam in seams)


def found(estate: Estate, broken: Simulator, well: Simulator, cells: Sequence[Cell]) -> None:
    """An estate with a service and a first target for each cell. What refuses has no simulator."""
    breaking = [
        replace(base, name=f"{manner}-{name}", settings=settings)
        for name, base in BASES.items()
        for manner, settings in (("breaking", ()), ("dawdling", _HURRIED))
    ]
    refusing = [
        replace(foreign.OPENAI, name="refused", port=free_port()),
        replace(foreign.OPENAI, name="unresolved", host="nowhere.invalid"),
        replace(foreign.OPENAI, name="tls", scheme="https"),
    ]
    going_on = [
        replace(base, name=f"well-{name}", port=well.port, settings=() if name in _GO_ON_BY_THEMSELVES else _GO_ON)
        for name, base in BASES.items()
    ]
    cannot = replace(foreign.OPENAI, name=f"well-{CANNOT}", port=well.port)
    foreign.found(estate, broken, *breaking, *refusing, *going_on, cannot)
    for cell in cells:
        foreign.serve(estate, cell.word, *_targets(cell), settings=('drop = ["*"]', *cell.settings))


_GO_ON = ('prefill = "text"',)
_GO_ON_BY_THEMSELVES = frozenset({"anthropic", "mistral"})


def _targets(cell: Cell) -> list[str]:
    model = f"sim-{cell.phase.script}"
    manner = "dawdling" if cell.fault in DAWDLING else "breaking"
    first = cell.first if cell.first in REFUSING else f"{manner}-{cell.first}"
    return [f"{cell.word}={first}/{model}", *([f"well-{cell.second}/{model}"] if cell.second else [])]


def see(estate: Estate, broken: Simulator, well: Simulator, cells: Sequence[Cell]) -> list[Result]:
    """Ask for every cell once, in no order."""
    for cell in cells:
        broken.plays_by_word[cell.word] = cell.play
        well.plays_by_word[cell.word] = Play(script=cell.phase.script)
    callers = _Callers(estate)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(callers.ask, cells))
    callers.close()
    recorded = _recorded(estate, [result.headers["x-request-id"] for result in results])
    broke, handed_on = _heard_by(broken), _heard_by(well)
    return [
        replace(
            result,
            record=recorded[result.headers["x-request-id"]],
            broke=broke.get(result.cell.word, ()),
            handed_on=[request.body for request in handed_on.get(result.cell.word, ())],
        )
        for result in results
    ]


def _heard_by(simulator: Simulator) -> Mapping[str, list[Heard]]:
    heard: dict[str, list[Heard]] = {}
    for request in simulator.requests:
        heard.setdefault(_word_in(request.body), []).append(request)
    return heard


def _word_in(body: str) -> str:
    return body.partition(_QUESTION)[2].partition("?")[0]


def _recorded(estate: Estate, ids: Sequence[str]) -> Mapping[str, CallRecord]:
    def closed() -> Mapping[str, CallRecord] | None:
        known = records.calls(records.entries(estate))
        return known if all(known[call].outcomes for call in ids if call in known) and set(ids) <= set(known) else None

    return wait_for(closed, "every call has its outcome in the ledger")


_QUESTION = "What now, "


class _Callers:
    """Every vendor's SDK, for each thread its own."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._own = threading.local()
        self._made: list[Caller] = []

    def ask(self, cell: Cell) -> Result:
        caller = self._caller(cell.caller)
        seen, raised = None, ""
        try:
            seen = caller.ask(_question(cell), stream=cell.stream)
        except _SDK_ERRORS as exc:
            raised = f"{type(exc).__name__}: {exc}"
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as exc:
            raised = f"what the SDK gave is no answer: {exc!r}"
        wire = caller.wire
        return Result(
            cell=cell, seen=seen, raised=raised, status=wire.status, headers=wire.headers, body=bytes(wire.body)
        )

    def close(self) -> None:
        for caller in self._made:
            caller.close()

    def _caller(self, name: str) -> Caller:
        mine: dict[str, Caller] = self._own.__dict__
        if name not in mine:
            mine[name] = CALLERS[name](self._estate)
            self._made.append(mine[name])
        return mine[name]


def _question(cell: Cell) -> Question:
    asked = Question(service=cell.word, text=f"{_QUESTION}{cell.word}?")
    match cell.phase.script:
        case "tale-call":
            return replace(asked, tools=("weather",), schema=CITY)
        case "tale-schema":
            return replace(asked, schema=CITY, by_schema=True)
        case "tale-thought":
            return replace(asked, thinks=True)
    return asked


def wrong_with(result: Result) -> list[str]:
    """What a caller or an auditor would complain of. Nothing where all is as it should be."""
    wrong = [] if result.way == result.cell.way else [f"{result.way}, where it should be {result.cell.way}"]
    if not _happened(result):
        wrong.append("the fault did not happen")
    if result.cell.way == "error":
        return [*wrong, *_wrong_error(result)]
    if result.seen is None:
        return [*wrong, f"the SDK raised {result.raised}"]
    return [*wrong, *_wrong_answer(result, result.seen), *_wrong_usage(result, result.seen), *_wrong_marks(result)]


def _happened(result: Result) -> bool:
    """Whether the first target was asked, and broke as it was to. What refuses connections hears nothing."""
    cell = result.cell
    if cell.first in REFUSING or cell.fault == ANOTHER_NAME:
        return bool(result.broke) is (cell.fault == ANOTHER_NAME)
    statuses = [heard.status for heard in result.broke]
    if cell.fault in STATUSES:
        return statuses == [int(cell.fault)]
    if cell.phase is UNANSWERED:  # a kept connection that ends at once is tried anew
        return bool(statuses) and not any(statuses)
    return statuses == [200] and all(heard.broke_s for heard in result.broke)


def _wrong_error(result: Result) -> list[str]:
    """An error in the caller's dialect: the answer where nothing was said, else its last event; and no proper end."""
    caller, body = result.cell.caller, result.body
    if result.seen is not None or result.raised.startswith("what the SDK gave"):
        return [f"the SDK did not raise: {result.seen or result.raised}"]
    if result.status != 200:
        told = json.loads(body)
        is_error = bool(told.get("error")) or told.get("object") == "error"
        return [] if result.status in {429, 502, 503} and is_error else [f"{result.status} {body!r}"]
    ends = whole.ends_properly(caller, body)
    return ["it passes for a whole answer"] if ends or not whole.tells_an_error(caller, body) else []


def _wrong_answer(result: Result, seen: Seen) -> list[str]:
    """One answer, from its first character to its last."""
    cell = result.cell
    wrong = whole.faults_of(cell.caller, result.body, usage=not _is_usage_lost(cell)) if cell.stream else []
    if seen.text != _text(cell):
        wrong.append(f"the text is {seen.text!r}")
    calls = [(call.name, call.arguments) for call in seen.calls]
    if calls != ([("weather", IN_ZURICH)] if cell.phase.script == "tale-call" else []):
        wrong.append(f"the calls are {calls}")
    if seen.finish != ("tools" if cell.phase.script == "tale-call" else "stop"):
        wrong.append(f"it finishes by {seen.finish}")
    begun, _, anew = seen.thought.partition("what")
    if cell.phase is IN_THOUGHT and (begun != "Let me see: " or anew.strip() not in {"", THOUGHT}):
        wrong.append(f"the thought is {seen.thought!r}")
    if (seen.model == "other") is not (cell.fault == ANOTHER_NAME):
        wrong.append(f"the model is {seen.model}")
    return wrong


def _text(cell: Cell) -> str:
    return {"tale-call": LOOKING, "tale-schema": json.dumps(IN_ZURICH, ensure_ascii=False)}.get(cell.phase.script, TALE)


def _is_usage_lost(cell: Cell) -> bool:
    """Some send the usage behind the finish. Where the answer breaks off between them, nobody says it any more."""
    return cell.phase is FINISHED and cell.fault in BREAKS and cell.first in {"openai", "compatible"}


def _wrong_usage(result: Result, seen: Seen) -> list[str]:
    """The prompt once, and every piece that was said; what was said twice counts twice."""
    lost, pieces = _is_usage_lost(result.cell), -(-len(_text(result.cell)) // 4)
    most = pieces + (12 if result.cell.phase is IN_THOUGHT else 2)
    wrong = [f"{seen.input_tokens} input tokens"] if seen.input_tokens != (0 if lost else INPUT_TOKENS) else []
    if not (pieces <= seen.output_tokens <= most or (lost and seen.output_tokens == 0)):
        wrong.append(f"{seen.output_tokens} output tokens for {pieces} pieces")
    told = (result.outcome["input_tokens"], result.outcome["output_tokens"])
    if not lost and told != (seen.input_tokens, seen.output_tokens):
        wrong.append(f"on record are {told} tokens, the caller saw {seen.input_tokens} and {seen.output_tokens}")
    return wrong


def _wrong_marks(result: Result) -> list[str]:
    """The headers, the seam on record, and what the second target was given."""
    cell, outcome = result.cell, result.outcome
    first, second = cell.word, f"well-{cell.second}.sim-{cell.phase.script}"
    taken = {"next": second, "whole": first, "closed": first}.get(cell.way, second)
    wrong = [] if outcome["target"] == taken else [f"on record is target {outcome['target']}"]
    if result.headers["freehold-target"] != (second if cell.way == "next" else first):
        wrong.append(f"Freehold-Target is {result.headers['freehold-target']}")
    if outcome["ending"] != ("complete" if cell.way in {"next", "whole", "closed"} else "continued"):
        wrong.append(f"it ends {outcome['ending']}")
    if [(seam["left"], seam["taken_by"]) for seam in outcome.get("seams", ())] != (
        [] if cell.way in {"next", "whole"} else [(first, taken)]
    ):
        wrong.append(f"the seams are {outcome.get('seams')}")
    if (outcome.get("answered_as") == "other") is not (cell.fault == ANOTHER_NAME):
        wrong.append(f"it answered as {outcome.get('answered_as')}")
    if len(result.handed_on) != (cell.way not in {"whole", "closed"}):
        wrong.append(f"the second target was asked {len(result.handed_on)} times")
    if not all(cell.phase.handed_on in body for body in result.handed_on):
        wrong.append("the second target was not given the text said so far")
    return wrong
