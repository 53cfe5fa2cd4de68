# SPDX-License-Identifier: Apache-2.0
"""Asks Anthropic's messages, as somebody else's API, what was asked in another dialect.

It refuses, or leaves out where the service allows it, what that API has no place for: other samplers than its own, more
answers than one, probabilities, JSON without a schema. Nothing is brought into range: what is out of it is refused.
"""

from collections.abc import Mapping
from typing import Any

from freehold.dialect.anthropic.turns import system_of, turns_of
from freehold.dialect.chatwire import ChatRequest
from freehold.dialect.fields import present
from freehold.dialect.interface import Backend
from freehold.dialect.losses import Losses
from freehold.dialect.tools import Choice, ToolPlan

_CARRIED = ("image", "user")
_NO_PLACE = "the target's API has no place for it"
_UNKNOWN: Mapping[str, tuple[object, ...]] = {  # fields that the API has not, and the values that ask for nothing
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "repeat_penalty": (1,),
    "min_p": (0,),
    "seed": (),
    "logit_bias": ({},),
    "logprobs": (False,),
    "chat_template_kwargs": ({},),
}
_EFFORTS = {"minimal": "low"}  # where the API's own scale begins; the other words are its own
_LEAST_TOP_P = 0.95  # beside thinking


def ask_messages(request: ChatRequest, backend: Backend, losses: Losses) -> dict[str, Any]:
    """The whole body. Raises Unsupported, and InvalidRequest for a call whose arguments are no object."""
    foreign = backend.foreign
    assert foreign, "an engine is asked in its own words"  # noqa: S101
    losses.lose_all_but((*_CARRIED, "reasoning_effort") if foreign.reasoning else _CARRIED, request.extras)
    _lose_the_unknown(request, losses)
    body = request.body
    sampling = _sampling(request, losses)
    effort = body.get("reasoning_effort") if foreign.reasoning else None
    user = body.get("user")
    return present(
        model=backend.model,
        max_tokens=body.get("max_tokens", foreign.answer_tokens),
        system=system_of(request),
        messages=turns_of(request, foreign.prefill, losses),
        **sampling,
        stop_sequences=_stops(request, losses) or None,
        tools=[_tool(tool["function"]) for tool in request.tools.tools] or None,
        tool_choice=_tool_choice(request.tools),
        thinking=_thinking(request, effort, sampling),
        output_config=present(effort=_effort(effort), format=_format(request, losses)) or None,
        metadata={"user_id": user} if user else None,
        stream=request.stream,
    )


def _lose_the_unknown(request: ChatRequest, losses: Losses) -> None:
    for name, nothing in _UNKNOWN.items():
        if name in request.body and request.body[name] not in nothing:
            losses.lose(request.as_extra(name, _NO_PLACE))
    if request.choices > 1:
        losses.lose(request.as_extra("n", "the target's API gives one answer to a prompt"))


def _sampling(request: ChatRequest, losses: Losses) -> dict[str, Any]:
    sampling = {name: request.body[name] for name in ("temperature", "top_p", "top_k") if name in request.body}
    if sampling.get("temperature", 0) > 1:
        losses.lose(request.as_extra("temperature", "the target's API takes numbers from 0 to 1"))
        del sampling["temperature"]
    return sampling


def _stops(request: ChatRequest, losses: Losses) -> list[str]:
    stops = request.body.get("stop") or []
    kept = [stop for stop in stops if stop.strip()]
    if len(kept) < len(stops):
        losses.lose(request.as_extra("stop", "the target's API does not stop at white space"))
    return kept


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    schema = function.get("parameters") or {"properties": {}}
    return present(
        name=function["name"],
        description=function.get("description"),
        input_schema=schema if "type" in schema else {"type": "object", **schema},
        strict=function.get("strict"),
    )


def _tool_choice(plan: ToolPlan) -> dict[str, Any] | None:
    if not plan.tools:
        return None
    if plan.choice is Choice.NONE:
        return {"type": "none"}
    single = {} if plan.parallel is None else {"disable_parallel_tool_use": not plan.parallel}
    if plan.choice is Choice.FORCED:
        return ({"type": "tool", "name": plan.only} if plan.only else {"type": "any"}) | single
    return {"type": "auto"} | single if single else None


def _effort(effort: str | None) -> str | None:
    return None if effort in (None, "none") else _EFFORTS.get(effort, effort)


def _thinking(request: ChatRequest, effort: str | None, sampling: Mapping[str, Any]) -> dict[str, str] | None:
    """Thinking as the model sees fit, and shown. Where the API refuses it beside what is asked, effort goes alone."""
    if effort is None:
        return None
    if effort == "none":
        return {"type": "disabled"}
    sampled = sampling.get("temperature", 1) != 1 or sampling.get("top_p", 1) < _LEAST_TOP_P or "top_k" in sampling
    if sampled or request.tools.forced or request.prefill:
        return None
    return {"type": "adaptive", "display": "summarized"}


def _format(request: ChatRequest, losses: Losses) -> dict[str, Any] | None:
    wanted = request.body.get("response_format")
    if wanted is None:
        return None
    if wanted["type"] != "json_schema":
        losses.lose(request.as_extra("response_format", "the target's API writes JSON after a schema only"))
        return None
    described = wanted["json_schema"]
    return {"type": "json_schema", "schema": present(description=described.get("description")) | described["schema"]}
