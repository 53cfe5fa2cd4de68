# SPDX-License-Identifier: Apache-2.0
"""What a measurement asks of an engine, over its unix socket, in llama.cpp's own words. Never a caller's content.

An engine gives no probabilities of a prompt. So a text is put to it token by token: each is forced, by a bias that no
other token can outdo, and the engine tells what the token's probability was before the bias. The prompt before it is in
the engine's cache, so a step costs what a token of an answer costs; and every run gives the very same numbers.
"""

from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from freehold.engine import probe
from freehold.errors import EngineBroke

LONGEST_S: Final = 300.0  # for one question: a large model on a small host reads its prompt slowly

_FORCED: Final = 1000.0
_LEAST_LOG: Final = -50.0  # where a number type has no smaller one, and where there is none
_T = TypeVar("_T")


class _Tokens(msgspec.Struct):
    tokens: list[int]


class _Probability(msgspec.Struct):
    id: int
    logprob: float | None = None


class _Timings(msgspec.Struct):
    prompt_per_second: float | None = None
    predicted_per_second: float | None = None


class _Completion(msgspec.Struct):
    timings: _Timings = msgspec.field(default_factory=_Timings)
    completion_probabilities: list[_Probability] = []


_TOKENS_DECODER: Final = msgspec.json.Decoder(_Tokens)
_COMPLETION_DECODER: Final = msgspec.json.Decoder(_Completion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one answer came, in tokens per second."""

    prompt: float
    answer: float


async def tokens_of(address: str, text: str) -> tuple[int, ...]:
    """The text in the model's tokens, with what it puts at the beginning. Raises EngineUnavailable, EngineBroke."""
    return tuple((await _ask(address, "/tokenize", {"content": text, "add_special": True}, _TOKENS_DECODER)).tokens)


async def log_probability(address: str, before: tuple[int, ...], token: int) -> float:
    """Of ``token``, behind those before it: a natural logarithm. Raises as above."""
    asked = {
        "prompt": before,
        "n_predict": 1,
        "n_probs": 1,
        "logit_bias": [[token, _FORCED]],
        "samplers": ["temperature"],
        "temperature": 0,
        "cache_prompt": True,
        "id_slot": 0,
    }
    found = (await _ask(address, "/completion", asked, _COMPLETION_DECODER)).completion_probabilities
    if len(found) != 1 or found[0].id != token:
        raise EngineBroke("the engine does not tell how probable a token is, so its loss cannot be measured")
    return max(found[0].logprob if found[0].logprob is not None else _LEAST_LOG, _LEAST_LOG)


async def pace(address: str, prompt: tuple[int, ...], answer_tokens: int) -> Pace:
    """Read a prompt anew and make an answer of so many tokens. Raises as above."""
    asked = {
        "prompt": prompt,
        "n_predict": answer_tokens,
        "ignore_eos": True,
        "temperature": 0,
        "cache_prompt": False,
        "id_slot": 0,
    }
    took = (await _ask(address, "/completion", asked, _COMPLETION_DECODER)).timings
    if not took.prompt_per_second or not took.predicted_per_second:
        raise EngineBroke("the engine does not tell how fast it was")
    return Pace(prompt=took.prompt_per_second, answer=took.predicted_per_second)


async def _ask(address: str, path: str, asked: object, decoder: msgspec.json.Decoder[_T]) -> _T:
    status, body = await probe.exchange(address, "POST", path, msgspec.json.encode(asked), longest_s=LONGEST_S)
    if status != 200:
        raise EngineBroke(f"the engine answered {status} to a measurement")
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError as exc:
        raise EngineBroke("the engine answered a measurement with what is not its protocol") from exc
