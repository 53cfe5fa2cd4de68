# SPDX-License-Identifier: Apache-2.0
"""The estate's own small call to one target, to see whether it still answers.

It is decided, recorded and served like a caller's, and shows nobody anything but the words below.
"""

import asyncio
import logging
from typing import Final

import msgspec
from msgspec import structs

from freehold.api.configuration import Configuration
from freehold.contract.call import Call, DataClass, Dialect, Operation
from freehold.contract.canary import CANARY_KEY
from freehold.contract.snapshot import ApiKey
from freehold.dialect import codecs
from freehold.errors import FreeholdError
from freehold.serve import Asked, Parts, Trail, serve

_log = logging.getLogger(__name__)
_PATIENCE_S: Final = 30.0  # for the whole call
_WORDS: Final = "Answer with the one word: yes."
_MOST_TOKENS: Final = 16  # the least that every API takes
_KEY: Final = ApiKey(id=CANARY_KEY, secret_sha256="", services=("*",), requests_per_minute=0)


async def send_canary(target: str, configuration: Configuration, on: Parts, *, call_id: str, now_unix: float) -> None:
    """Make the call, if a service has the target. What comes of it is for the standings to learn."""
    asked = canary_call(target, configuration, call_id=call_id, at_unix=int(now_unix))
    if asked is None:
        return
    try:
        async with asyncio.timeout(_PATIENCE_S), serve(asked, on, Trail()) as pieces:
            async for _ in pieces:
                pass
    except FreeholdError as problem:
        _log.info("%s, the estate's own call to %s, got no answer: %s", call_id, target, problem.code)
    except TimeoutError:
        _log.info("%s, the estate's own call to %s, got no answer in %g s", call_id, target, _PATIENCE_S)


def canary_call(target: str, configuration: Configuration, *, call_id: str, at_unix: int) -> Asked | None:
    """The call, for the least sensitive service that has the target. None if no service has it."""
    services = [service for service in configuration.snapshot.services if target in service.targets]
    if not services:
        return None
    service, codec = min(services, key=lambda one: one.data_class), codecs[Dialect.OPENAI]
    body = msgspec.json.encode(
        {"model": service.name, "messages": [{"role": "user", "content": _WORDS}], "max_tokens": _MOST_TOKENS}
    )
    return Asked(
        call=Call(
            id=call_id,
            dialect=codec.dialect,
            operation=Operation.CHAT,
            asked=service.name,
            service=service.name,
            key_id=CANARY_KEY,
            data_class=DataClass.PUBLIC,
            stream=False,
            body=body,
        ),
        request=structs.replace(codec.parse(Operation.CHAT, body), id=call_id, at_unix=at_unix, drop=frozenset("*")),
        codec=codec,
        key=_KEY,
        service=service,
        targets=configuration.targets(service),
        pinned=target,
    )
