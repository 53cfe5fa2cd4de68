# SPDX-License-Identifier: Apache-2.0
"""``/v1/chat/completions`` and ``/v1/fim/completions`` at Mistral."""

from typing import TypeVar

from tests.simulator.asked import Asked
from tests.simulator.mistral import answers, errors
from tests.simulator.mistral.requests import ChatRequest, Common, FimRequest, checked
from tests.simulator.reading import Complaint, read, read_json
from tests.simulator.reply import Reply, Visit
from tests.simulator.said import Said

T = TypeVar("T", bound=Common)


class Chat:
    def admit(self, visit: Visit) -> None:
        errors.admit(visit)

    def read(self, visit: Visit) -> Asked:
        return checked(_read_as(visit, ChatRequest))

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        return answers.write(visit, asked, said)

    def error(self, visit: Visit, status: int) -> Reply:
        return errors.of_status(status)

    def error_event(self, visit: Visit) -> bytes:
        return errors.error_event()


class Fim(Chat):
    def read(self, visit: Visit) -> Asked:
        request = _read_as(visit, FimRequest)
        return Asked(model=request.model, stream=request.stream, last=f"{request.prompt}|{request.suffix or ''}")


def _read_as(visit: Visit, kind: type[T]) -> T:
    document = {}
    try:
        document = read_json(visit.body)
        request = read(document, kind)
    except Complaint as complaint:
        raise errors.complained(complaint, document) from complaint
    if request.model not in visit.models:
        raise errors.problem(f"Invalid model: {request.model}", "invalid_model", "1500")
    return request
