# SPDX-License-Identifier: Apache-2.0
"""OpenAI's two older endpoints, and chat completions of a host that is compatible with it."""

from typing import Any, TypeVar

from tests.simulator.asked import Asked
from tests.simulator.openai import answers, errors
from tests.simulator.openai.requests import ChatRequest, OpenChatRequest, StreamOptions, checked
from tests.simulator.reading import Complaint, Fields, read, read_json
from tests.simulator.reply import Reply, Visit, compact, data_events, indented
from tests.simulator.said import Finish, Said

T = TypeVar("T")


class CompletionRequest(Fields):
    model: str
    prompt: str | list[str | int]
    best_of: int | None = None
    echo: bool | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, int] | None = None
    logprobs: int | None = None
    max_tokens: int | None = None
    n: int | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    suffix: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    user: str | None = None


class Errors:
    """How OpenAI lets in and turns away."""

    def admit(self, visit: Visit) -> None:
        errors.admit(visit)

    def error(self, visit: Visit, status: int) -> Reply:
        return errors.of_status(visit, status)

    def error_event(self, visit: Visit) -> bytes:
        return b"data: " + compact({"error": _fault()}) + b"\n\n"


class Chat(Errors):
    """``/v1/chat/completions``"""

    def read(self, visit: Visit) -> Asked:
        request = read_as(visit, ChatRequest)
        known_model(visit, request.model)
        return checked(request, known=True)

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        return answers.write(visit, asked, said)


class OpenChat(Errors):
    """The same at a host whose models reason in the open."""

    def read(self, visit: Visit) -> Asked:
        request = read_as(visit, OpenChatRequest)
        known_model(visit, request.model)
        return checked(request, known=False)

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        return answers.write(visit, asked, said, open_thoughts=True)


class Completions(Errors):
    """``/v1/completions``"""

    def read(self, visit: Visit) -> Asked:
        request = read_as(visit, CompletionRequest)
        known_model(visit, request.model)
        usage = bool(request.stream_options and request.stream_options.include_usage)
        return Asked(model=request.model, stream=bool(request.stream), with_usage=usage, last=str(request.prompt))

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        head: dict[str, Any] = {
            "id": f"cmpl-{visit.name(29)}",
            "object": "text_completion",
            "created": visit.at_unix,
        }
        finish = "length" if said.finish is Finish.LENGTH else "stop"
        end = {"text": "", "index": 0, "logprobs": None, "finish_reason": finish}
        usage = answers.usage(said.usage)
        if not asked.stream:
            whole = {**head, "model": asked.model, "choices": [{**end, "text": said.text}], "usage": usage}
            return Reply(pieces=[indented(whole)], headers=errors.headers(visit))
        said_pieces = [{**end, "text": piece, "finish_reason": None} for part in said.parts for piece in part.pieces]
        no_usage: dict[str, Any] = {"usage": None} if asked.with_usage else {}
        chunks = [{**head, "choices": [choice], "model": asked.model, **no_usage} for choice in (*said_pieces, end)]
        if asked.with_usage:
            chunks.append({**head, "choices": [], "model": asked.model, "usage": usage})
        events = [*data_events(chunks), answers.DONE]
        return Reply(pieces=events, stream=True, headers=errors.headers(visit), terminators=1)


def read_as(visit: Visit, kind: type[T]) -> T:
    try:
        return read(read_json(visit.body), kind)
    except Complaint as complaint:
        raise errors.complained(complaint) from complaint


def known_model(visit: Visit, model: str, status: int = 404) -> None:
    if model not in visit.models:
        said = f"The model `{model}` does not exist or you do not have access to it."
        raise errors.problem(said, None, "model_not_found", status)


def _fault() -> dict[str, Any]:
    said = "The server had an error while processing your request. Sorry about that!"
    return {"message": said, "type": "server_error", "param": None, "code": None}
