# SPDX-License-Identifier: Apache-2.0
"""One call that an operator makes to a service, told as it comes: decided and on record as any application's.

It goes through a gateway of the estate with a key of the operator's own, which nobody else ever has: the control
process makes it, keeps it in memory and lets it expire. Who talks is in the ledger twice: as the act that made the key,
and as the key of each call. The key gives the operator nothing that an application's key would not: what may see the
call is the policy's to say, also where one target is named.
"""

import asyncio
import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from freehold.admin.client import UnixConnection
from freehold.admin.interface import Parts, Progress
from freehold.admin.keys import EVERY_SERVICE, Prefix, digest_of, new_secret
from freehold.admin.means import Answer, Means
from freehold.admin.requests import Talk
from freehold.contract.snapshot import ApiKey
from freehold.errors import EstateError, InvalidRequest

Tell = Callable[[Progress], None]

_KEY_S: Final = 12 * 3600.0
_KEY_LEFT_S: Final = 3600.0  # the longest that one call may take
_PER_MINUTE: Final = 600
_SILENCE_S: Final = 600.0
_HEEDED_EVERY_S: Final = 0.25  # that whoever asked has gone away
_AT_ONCE: Final = 16
_LONGEST_LINE: Final = 8 * 2**20
_OWN_FIELDS: Final = ("model", "stream")


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag_field="event", tag="opened"):
    """The call was taken: what its answer's head says. ``target`` is whoever began to answer."""

    status: int
    key: str
    call: str
    target: str
    decision: str
    receipt: str


class Data(msgspec.Struct, frozen=True, tag_field="event", tag="data"):
    """One event of the stream, as the dialect has it."""

    data: str


class Comment(msgspec.Struct, frozen=True, tag_field="event", tag="comment"):
    """What the gateway says beside the stream, such as a seam."""

    comment: str


class _Error(msgspec.Struct):
    message: str = ""
    code: str | None = None


class _Refused(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


_REFUSED_DECODER: Final = msgspec.json.Decoder(_Refused)


class Talking:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._gateway = parts.estate.gateway_socket
        self._means = means
        self._secrets: dict[str, tuple[str, str]] = {}  # by operator: of the key, and of the one that names a target
        self._threads = ThreadPoolExecutor(_AT_ONCE, "talk")  # of its own: an answer may take minutes
        self.keys: tuple[ApiKey, ...] = ()  # of everybody who talks, for the snapshot

    async def talk(self, request: Talk, asker: str, tell: Tell) -> Answer:
        """Raises InvalidRequest, EstateError, LedgerFault. That the call was refused or failed is an answer, too."""
        _require_ours(request)
        free, pinning = await self._secrets_of(asker)
        line = _Line(self._gateway, request, pinning if request.target else free, _key_id(asker), tell)
        working = asyncio.get_running_loop().run_in_executor(self._threads, line.converse)
        try:
            while not (await asyncio.wait({working}, timeout=_HEEDED_EVERY_S))[0]:
                tell(Progress(doing="answering", done_bytes=0, total_bytes=0))
        finally:
            line.hang_up()
            await asyncio.wait({working})
        return {"talk": working.result()}

    async def _secrets_of(self, asker: str) -> tuple[str, str]:
        """Of keys that are good for one more call at least. The act that made them is on record."""
        async with self._means.changing:
            now_unix, key_id = self._means.now_unix(), _key_id(asker)
            if any(key.id == key_id and key.expires_at_unix > now_unix + _KEY_LEFT_S for key in self.keys):
                return self._secrets[asker]
            await self._means.record("talk.begin", key_id, asker, {})
            secrets = new_secret(Prefix.API_KEY), new_secret(Prefix.API_KEY)
            made = tuple(
                _key(key_id, secret, now_unix, pins=pins) for secret, pins in zip(secrets, (False, True), strict=True)
            )
            others = tuple(key for key in self.keys if key.id != key_id and key.expires_at_unix > now_unix)
            self.keys, self._secrets[asker] = (*others, *made), secrets
            if not await self._means.publish():
                self.keys = others
                raise EstateError("a gateway did not take the key for this call in time", hint="Try again.")
            return secrets


class _Line:
    """One call. ``converse`` has a thread; ``hang_up`` may be called from any."""

    def __init__(self, gateway: Path, request: Talk, secret: str, key_id: str, tell: Tell) -> None:
        self._connection = UnixConnection(gateway, silence_s=_SILENCE_S)
        self._request = request
        self._secret = secret
        self._key_id = key_id
        self._tell = tell
        self._hung_up = False  # before the call could be made
        self._began_s = time.monotonic()
        self._first_s: float | None = None

    def hang_up(self) -> None:
        self._hung_up = True
        self._connection.hang_up()

    def converse(self) -> dict[str, object]:
        """Make the call, tell its events, and say how it ended. Raises EstateError."""
        try:
            self._connection.connect()
            if self._hung_up:
                raise EstateError("whoever asked has gone away")
            self._connection.request("POST", "/v1/chat/completions", body=self._body(), headers=self._headers())
            return self._follow(self._connection.getresponse())
        except (OSError, http.client.HTTPException) as exc:
            raise EstateError(
                "the gateway broke off, or did not answer in time", hint="'freehold status' shows the gateways."
            ) from exc
        finally:
            self._connection.close()

    def _body(self) -> bytes:
        options = {"stream_options": {"include_usage": True}}
        return msgspec.json.encode({**options, **self._request.request, "model": self._request.service, "stream": True})

    def _headers(self) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._secret}",
            "Content-Type": "application/json",
            "Freehold-Show-Seam": "1",
        }
        if self._request.target:
            headers["Freehold-Target"] = self._request.target
        if self._request.data_class:
            headers["Freehold-Data-Class"] = self._request.data_class
        return headers

    def _follow(self, response: http.client.HTTPResponse) -> dict[str, object]:
        opened = self._opened(response)
        self._say(opened)
        error, seams = None, []
        if response.status != http.client.OK:
            error = _error(response)
        else:
            for event in _events(response):
                if isinstance(event, Comment) and event.comment.startswith("seam "):
                    seams.append(event.comment)
                elif self._first_s is None and isinstance(event, Data):
                    self._first_s = self._elapsed_s()
                self._say(event)
        told = {name: getattr(opened, name) for name in Opened.__struct_fields__}
        return {**told, "error": error, "seams": seams, "first_s": self._first_s, "whole_s": self._elapsed_s()}

    def _opened(self, response: http.client.HTTPResponse) -> Opened:
        head = response.headers
        return Opened(
            status=response.status,
            key=self._key_id,
            call=head.get("x-request-id", ""),
            target=head.get("freehold-target", ""),
            decision=head.get("freehold-decision", ""),
            receipt=head.get("freehold-receipt", ""),
        )

    def _say(self, event: Opened | Data | Comment) -> None:
        self._tell(Progress(doing="answering", done_bytes=0, total_bytes=0, event=event))

    def _elapsed_s(self) -> float:
        return round(time.monotonic() - self._began_s, 4)


def _require_ours(request: Talk) -> None:
    for name in _OWN_FIELDS:
        if name in request.request:
            raise InvalidRequest(f"request.{name} is not for the caller to say here", param=f"request.{name}")


def _key_id(asker: str) -> str:
    return f"talk-{asker}"


def _key(key_id: str, secret: str, now_unix: float, *, pins: bool) -> ApiKey:
    return ApiKey(
        id=key_id,
        secret_sha256=digest_of(secret),
        services=EVERY_SERVICE,
        requests_per_minute=_PER_MINUTE,
        expires_at_unix=now_unix + _KEY_S,
        pins_target=pins,
    )


def _events(response: http.client.HTTPResponse) -> Iterator[Data | Comment]:
    """What a stream of events says, line by line: the dialects of this estate write each event's data on one."""
    while line := response.readline(_LONGEST_LINE):
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith("data:"):
            yield Data(text.removeprefix("data:").lstrip(" "))
        elif text.startswith(":"):
            yield Comment(text.removeprefix(":").lstrip(" "))


def _error(response: http.client.HTTPResponse) -> dict[str, str]:
    try:
        found = _REFUSED_DECODER.decode(response.read(_LONGEST_LINE)).error
    except msgspec.MsgspecError:
        found = _Error()
    return {"code": found.code or "", "message": found.message or f"the gateway answered {response.status}"}
