# SPDX-License-Identifier: Apache-2.0
"""``/v1/messages`` and the count of its tokens."""

from typing import TypeVar

from tests.simulator.anthropic import answers, errors
from tests.simulator.anthropic.requests import CountRequest, MessageRequest, check_turns, checked
from tests.simulator.asked import Asked
from tests.simulator.reading import Complaint, read, read_json
from tests.simulator.reply import Reply, Visit
from tests.simulator.said import Said

T = TypeVar("T", bound=CountRequest)

_REMOVED = ("temperature", "top_p", "top_k")  # in the newer version of the API


class Messages:
    def admit(self, visit: Visit) -> None:
        errors.admit(visit)

    def read(self, visit: Visit) -> Asked:
        return checked(_read_as(visit, MessageRequest))

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        return answers.write(visit, asked, said)

    def error(self, visit: Visit, status: int) -> Reply:
        return errors.of_status(status)

    def error_event(self, visit: Visit) -> bytes:
        return errors.error_event()


class CountTokens(Messages):
    def read(self, visit: Visit) -> Asked:
        request = _read_as(visit, CountRequest)
        check_turns(request)
        return Asked(model=request.model)

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        return answers.count(visit, said.usage.input)


def _read_as(visit: Visit, kind: type[T]) -> T:
    try:
        document = read_json(visit.body)
        request = read(document, kind)
    except Complaint as complaint:
        raise errors.complained(complaint) from complaint
    removed = [name for name in _REMOVED if name in document]
    if removed and visit.headers["anthropic-version"] == errors.NEWER:
        raise errors.problem(f"{removed[0]}: Extra inputs are not permitted")
    if request.model not in visit.models:
        raise errors.problem(f"model: {request.model}", 404)
    return request
