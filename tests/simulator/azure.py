# SPDX-License-Identifier: Apache-2.0
"""Azure's OpenAI: the dated path, where the deployment stands in the path, and the undated one. Fields come sorted."""

import json
from dataclasses import replace
from typing import Any

from tests.simulator.asked import Asked
from tests.simulator.openai import answers
from tests.simulator.openai.doors import Chat, read_as
from tests.simulator.openai.errors import complained
from tests.simulator.openai.requests import ChatRequest, checked
from tests.simulator.reading import Complaint, read, read_json
from tests.simulator.reply import Problem, Reply, Visit, compact
from tests.simulator.said import Said

_SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
_DENIED = "Access denied due to invalid subscription key or wrong API endpoint."
_NO_DEPLOYMENT = "The API deployment for this resource does not exist."


class Undated(Chat):
    """``/openai/v1/chat/completions``"""

    def admit(self, visit: Visit) -> None:
        bearer = visit.headers.get("authorization", "").removeprefix("Bearer ")
        if visit.key not in {visit.headers.get("api-key"), bearer}:
            raise _problem(401, "401", _DENIED)

    def read(self, visit: Visit) -> Asked:
        request = read_as(visit, ChatRequest)
        _known_deployment(visit, request.model)
        return checked(request, known=True)

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        reply = super().write(visit, asked, said)
        headers = {
            "apim-request-id": visit.uuid(),
            "x-ms-region": "Sweden Central",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-remaining-tokens": "29959",
        }
        if not asked.stream:
            return replace(reply, pieces=[_sorted(_filtered(json.loads(reply.pieces[0])))], headers=headers)
        chunks = [json.loads(piece.removeprefix(b"data: ")) for piece in reply.pieces[:-1]]
        events = [b"data: " + _sorted(_filtered(chunk)) + b"\n\n" for chunk in chunks]
        return replace(reply, pieces=[_first_event(), *events, answers.DONE], headers=headers)


class Dated(Undated):
    """``/openai/deployments/DEPLOYMENT/chat/completions?api-version=DATE``: the model need not stand in the body."""

    def read(self, visit: Visit) -> Asked:
        if not visit.query.get("api-version"):
            raise _problem(404, "404", "Resource not found")
        deployment = visit.path.split("/deployments/")[1].split("/")[0]
        _known_deployment(visit, deployment)
        try:
            document = read_json(visit.body) | {"model": deployment}
            request = read(document, ChatRequest)
        except Complaint as complaint:
            raise complained(complaint) from complaint
        return checked(request, known=True)


def _filtered(document: dict[str, Any]) -> dict[str, Any]:
    document.pop("service_tier", None)
    for choice in document["choices"]:
        choice["content_filter_results"] = (
            _SAFE if (choice.get("delta") or choice.get("message", {})).get("content") else {}
        )
    if document["object"] == "chat.completion":
        document["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    return document


def _first_event() -> bytes:
    """What Azure found in the prompt, before anything is said."""
    found = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    first = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": found}
    return b"data: " + _sorted(first) + b"\n\n"


def _sorted(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _known_deployment(visit: Visit, name: str) -> None:
    if name not in visit.models:
        raise _problem(404, "DeploymentNotFound", _NO_DEPLOYMENT)


def _problem(status: int, code: str, message: str) -> Problem:
    return Problem(Reply(status=status, pieces=[compact({"error": {"code": code, "message": message}})]))
