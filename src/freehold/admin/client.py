# SPDX-License-Identifier: Apache-2.0
"""The command line's end of the control socket: plain HTTP, and errors become the exceptions that they were."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from freehold.channel import reachable_path
from freehold.errors import (
    ClaimInvalid,
    ClaimNotProved,
    Conflict,
    EgressDenied,
    EstateError,
    ForeignOrigin,
    FreeholdError,
    InvalidRequest,
    InvalidToken,
    LedgerFull,
    LedgerUnavailable,
    NotFound,
    OperatorError,
    PolicyInvalid,
    PolicyNotProvable,
    Pruned,
    SettingsError,
    VaultError,
    VerificationFailed,
)

Progress = Callable[[Mapping[str, Any]], None]
Answer = dict[str, Any]  # the JSON of one operation; its shape is in docs/reference/admin-api.md

_ROOT = "/admin/v1/"
_PROBLEM, _LINES = "application/problem+json", "application/x-ndjson"
_PAGE_ROWS = 1000
_POLL_S = 0.02
_SILENCE_S = 300.0  # an operation that tells nothing for so long is given up
_KINDS: Mapping[str, type[FreeholdError]] = {
    kind.code: kind
    for kind in (
        SettingsError,
        PolicyInvalid,
        PolicyNotProvable,
        ClaimInvalid,
        ClaimNotProved,
        EgressDenied,
        EstateError,
        Conflict,
        NotFound,
        Pruned,
        VaultError,
        VerificationFailed,
        LedgerFull,
        LedgerUnavailable,
        InvalidRequest,
        InvalidToken,
        ForeignOrigin,
    )
}


class AdminClient:
    """Asks the control process of one estate. Each request has a connection of its own."""

    def __init__(self, control_socket: Path, *, token: str = "", health_s: float = 5.0) -> None:
        """With the ``token`` of an operator it acts as that operator; without one as the estate's own user.

        ``health_s``: how long it may take to say that it is there.
        """
        self._socket = control_socket
        self._health_s = health_s
        self._headers = {"Content-Type": "application/json"}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"

    def acting_with(self, token: str) -> "AdminClient":
        """The same, acting as an operator where a token is given."""
        return AdminClient(self._socket, token=token) if token else self

    def answers(self) -> bool:
        """Whether the control process is there and ready."""
        try:
            self.require()
        except FreeholdError:
            return False
        return True

    def wait(self, timeout_s: float) -> None:
        """Until it answers. Raises EstateError."""
        deadline_s = time.monotonic() + timeout_s
        while not self.answers():
            if time.monotonic() > deadline_s:
                raise EstateError(f"the control process at {self._socket} did not answer within {timeout_s:.0f} s")
            time.sleep(_POLL_S)

    def get(self, path: str) -> Answer:
        """Read something: ``get("status")["status"]``. Raises what the operation raised."""
        return self._ask("GET", path, None, _ignore)

    def require(self) -> None:
        """Raises EstateError where it is not ready, or is there and silent: a stopped process takes connections."""
        self._ask("GET", "health", None, _ignore, silence_s=self._health_s)

    def rows(self, path: str) -> list[Answer]:
        """A list whole, page by page: ``rows("keys")``. Raises what the operation raised."""
        rows: list[Answer] = []
        cursor = ""
        while True:
            query = urlencode({"limit": _PAGE_ROWS, "cursor": cursor})
            page = self._ask("GET", f"{path}?{query}", None, _ignore)
            rows.extend(page[path])
            if page["next"] is None:
                return rows
            cursor = page["next"]

    def post(self, path: str, body: Mapping[str, object] | None = None, *, progress: Progress | None = None) -> Answer:
        """Do something. ``progress`` is told of each step of a long operation. Raises what the operation raised."""
        return self._ask("POST", path, body or {}, progress or _ignore)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None,
        progress: Progress,
        *,
        silence_s: float = _SILENCE_S,
    ) -> Answer:
        connection = UnixConnection(self._socket, silence_s=silence_s)
        with _translated(self._socket):
            try:
                # who is refused by the head alone is answered, and hung up on, before the body is sent
                with suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(
                        method,
                        _ROOT + path,
                        body=None if body is None else json.dumps(body),
                        headers=self._headers,
                    )
                return _read(connection.getresponse(), progress)
            finally:
                connection.close()


class UnixConnection(http.client.HTTPConnection):
    """HTTP to one of the estate's own processes. Gives up after ``silence_s`` without a byte."""

    def __init__(self, path: Path, *, silence_s: float) -> None:
        super().__init__("localhost", timeout=silence_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(reachable_path(self._path))

    def hang_up(self) -> None:
        """From any thread: the other side sees it, and so does whoever is reading here."""
        if (opened := self.sock) is not None:
            with suppress(OSError):  # closed already
                opened.shutdown(socket.SHUT_RDWR)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise EstateError(
            f"the control process at {path} does not answer",
            hint="'freehold status' shows whether the estate is up; run/log/control.log tells more.",
        ) from exc


def _read(response: http.client.HTTPResponse, progress: Progress) -> Answer:
    if response.headers.get_content_type() != _LINES:
        answer: Answer = json.loads(response.read())
        if response.headers.get_content_type() == _PROBLEM:
            raise _exception(answer)
        return answer
    for line in response:
        step: Answer = json.loads(line)
        if "error" in step:
            raise _exception(step["error"])
        if "result" in step:
            result: Answer = step["result"]
            return result
        progress(step["progress"])
    raise ValueError("the answer ended before its result")


def _exception(problem: Answer) -> FreeholdError:
    """What the operation raised, out of RFC 9457's words."""
    return _KINDS.get(problem["code"], OperatorError)(problem["detail"], hint=problem["hint"])


def _ignore(step: Mapping[str, Any]) -> None:
    """For callers who show no progress."""
