# SPDX-License-Identifier: Apache-2.0
"""Measures one engine: how it predicts a text, how fast it reads and answers, what memory it takes. Starts nothing."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from freehold.tuning.speaking import Pace, log_probability, pace, tokens_of
from freehold.tuning.trial import Trial

TEXT: Final = "text.txt"  # written for this, under Freehold's licence: no model can know it by heart


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is measured."""

    text_tokens: int  # whose probability is asked
    prompt_tokens: int
    answer_tokens: int
    repeats: int  # of the prompt and the answer, of which the fastest counts: whatever disturbs only slows


FULL: Final = Extent(text_tokens=512, prompt_tokens=256, answer_tokens=48, repeats=3)
QUICK: Final = Extent(text_tokens=128, prompt_tokens=96, answer_tokens=16, repeats=2)
_ENOUGH_S: Final = 20.0  # of repeating: on a slow host once is enough


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """What one engine did. ``logs``: natural logarithms of the text's tokens, in order."""

    logs: tuple[float, ...]
    prompt_per_s: float
    answer_per_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One format of the model. ``problem`` says why it was not measured; then the numbers are 0."""

    format: str
    original: bool = False  # the model as it is
    quantisation: str = ""
    size_bytes: int = 0
    digest: str = ""
    tool: str = ""  # what wrote it
    prompt_per_s: float = 0.0
    answer_per_s: float = 0.0
    memory_bytes: int = 0
    perplexity: float = 0.0
    loss: float = 0.0  # 0.05: perplexity is 5 % higher than that of the model as it is
    loss_error: float = 0.0  # one standard error of that
    cases_passed: int = 0
    cases: int = 0
    cases_problem: str = ""
    problem: str = ""
    disturbance: float = 0.0  # of the model as it is, measured twice: how much slower the slower one was, 0.2 for 20 %

    @property
    def seconds(self) -> float:
        """How long a usual call takes: 512 tokens read and 128 made. Infinite where nothing was measured."""
        if self.problem or not self.prompt_per_s or not self.answer_per_s:
            return float("inf")
        return usual_call_s(self.prompt_per_s, self.answer_per_s)


def usual_call_s(prompt_per_s: float, answer_per_s: float) -> float:
    """Seconds to read 512 tokens and make 128."""
    return 512 / prompt_per_s + 128 / answer_per_s


def shipped_text() -> str:
    """The text that loss is measured on."""
    return files("freehold.tuning").joinpath(TEXT).read_text(encoding="utf-8")


async def read(trial: Trial, extent: Extent, told: Callable[[int, int], None]) -> Readings:
    """Measure an engine that nobody else asks. ``told``: text tokens done and in all. Raises EngineUnavailable,
    EngineBroke.
    """
    tokens = await tokens_of(trial.address, shipped_text())
    text = tokens[: min(extent.text_tokens + 1, trial.status.context_tokens - 1)]
    logs: list[float] = []
    for number in range(1, len(text)):
        told(number, len(text) - 1)
        logs.append(await log_probability(trial.address, text[:number], text[number]))
    fastest = await read_pace(trial, extent, lambda: told(len(logs), len(logs)))
    return Readings(
        logs=tuple(logs),
        prompt_per_s=fastest.prompt,
        answer_per_s=fastest.answer,
        memory_bytes=trial.resident_bytes(),
    )


async def read_pace(trial: Trial, extent: Extent, told: Callable[[], None]) -> Pace:
    """The speed alone, the fastest of some tries. Raises as above."""
    room = max(1, trial.status.context_tokens - extent.answer_tokens - 1)
    prompt = (await tokens_of(trial.address, shipped_text()))[: min(extent.prompt_tokens, room)]
    began_s = asyncio.get_running_loop().time()
    paces: list[Pace] = []
    for _ in range(extent.repeats):
        paces.append(await _told_meanwhile(pace(trial.address, prompt, extent.answer_tokens), told))
        if asyncio.get_running_loop().time() - began_s > _ENOUGH_S:
            break
    return Pace(prompt=max(pace.prompt for pace in paces), answer=max(pace.answer for pace in paces))


async def _told_meanwhile(asked: Awaitable[Pace], told: Callable[[], None]) -> Pace:
    """Wait for it, and let go as soon as ``told`` raises."""
    asking = asyncio.ensure_future(asked)
    try:
        while not asking.done():
            told()
            await asyncio.wait((asking,), timeout=0.5)
        return asking.result()
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
