# SPDX-License-Identifier: Apache-2.0
"""``/v1/responses``"""

from tests.simulator.asked import Asked
from tests.simulator.openai.doors import Errors, known_model
from tests.simulator.openai.errors import complained
from tests.simulator.reading import Complaint, read_json
from tests.simulator.reply import Reply, Visit
from tests.simulator.responses import answers
from tests.simulator.responses.requests import ResponseRequest, checked, read_request
from tests.simulator.said import Said


class Responses(Errors):
    def read(self, visit: Visit) -> Asked:
        request = _request(visit)
        known_model(visit, request.model, status=400)
        return checked(request)

    def write(self, visit: Visit, asked: Asked, said: Said) -> Reply:
        """The answer repeats much of the request."""
        request = _request(visit)
        request.model = asked.model
        return answers.write(visit, request, asked, said)

    def error_event(self, visit: Visit) -> bytes:
        return answers.failure(4)


def _request(visit: Visit) -> ResponseRequest:
    try:
        return read_request(read_json(visit.body))
    except Complaint as complaint:
        raise complained(complaint) from complaint
