# SPDX-License-Identifier: Apache-2.0
"""Puts a case to one target, through a gateway of the estate, as an application would. Judges nothing."""

import asyncio
import http.client
from pathlib import Path
from typing import Final

import msgspec

from freehold.admin.client import UnixConnection
from freehold.continuity.acceptance import Answer, Case, NotRun, ToolCall
from freehold.continuity.acceptance.interface import NotAccepted

CASE_S = 240.0  # an answer that takes longer is none; less than the patience of whoever waits for the whole run

_NOT_ACCEPTED = frozenset({400, 404, 413, 422})


class GatewayCaller:
    """Puts a case to one target through a gateway of the estate, over its unix socket: so also while it is sealed."""

    def __init__(self, socket: Path, secret: str, service: str, target: str) -> None:
        self._socket = socket
        self._headers = {
            "Authorization": f"Bearer {secret}",
            "Content-Type": "application/json",
            "Freehold-Target": target,
        }
        self._service = service

    async def __call__(self, case: Case) -> Answer:
        """Raises NotRun, NotAccepted."""
        return await asyncio.to_thread(self._ask, _request(case, self._service))

    def _ask(self, body: bytes) -> Answer:
        connection = UnixConnection(self._socket, silence_s=CASE_S)
        try:
            connection.request("POST", "/v1/chat/completions", body=body, headers=self._headers)
            response = connection.getresponse()
            return _answer(response.status, response.read())
        except (OSError, http.client.HTTPException, msgspec.MsgspecError) as exc:
            raise NotRun("the gateway broke off, or did not answer in time") from exc
        finally:
            connection.close()


class _Function(msgspec.Struct):
    name: str
    arguments: str


class _ToolCall(msgspec.Struct):
    function: _Function


class _Message(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Error(msgspec.Struct):
    message: str
    code: str | None = None


class _Completion(msgspec.Struct):
    """The part that matters here of an answer in OpenAI's dialect, or of an error in its place."""

    choices: list[_Choice] = []
    error: _Error | None = None


_COMPLETION_DECODER: Final = msgspec.json.Decoder(_Completion)


def _request(case: Case, service: str) -> bytes:
    request: dict[str, object] = {"model": service, "messages": case.messages, "max_tokens": case.max_tokens}
    if case.temperature is not None:
        request["temperature"] = case.temperature
    if case.tools:
        request["tools"] = [{"type": "function", "function": tool} for tool in case.tools]
    return msgspec.json.encode(request)


def _answer(status: int, body: bytes) -> Answer:
    completion = _COMPLETION_DECODER.decode(body)
    if status != http.client.OK or not completion.choices:
        why = completion.error.message if completion.error else f"the gateway answered {status}"
        if status == http.client.FORBIDDEN:
            raise NotRun(f"forbidden: {why}")
        raise NotAccepted(why) if status in _NOT_ACCEPTED else NotRun(why)
    choice = completion.choices[0]
    return Answer(
        text=choice.message.content or choice.message.refusal or "",
        calls=tuple(
            ToolCall(name=call.function.name, arguments=_arguments(call.function.arguments))
            for call in choice.message.tool_calls or ()
        ),
        declined=bool(choice.message.refusal) or choice.finish_reason == "content_filter",
    )


def _arguments(written: str) -> object:
    try:
        return msgspec.json.decode(written)
    except (msgspec.DecodeError, RecursionError):
        return None
