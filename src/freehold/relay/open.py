# SPDX-License-Identifier: Apache-2.0
"""Try targets in order until one has begun to answer. A fault before the first byte is invisible to the caller."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from freehold.dialect.interface import Backend, Event, Exchange
from freehold.errors import ContextExceeded, EngineBroke, Fault, FreeholdError, NoTarget, Unsupported
from freehold.relay.interface import Backends, Reply

_ANOTHER_MAY_DO = (Fault, Unsupported, ContextExceeded)


@asynccontextmanager
async def open_reply(
    targets: tuple[str, ...], plan: Callable[[Backend], Exchange], backends: Backends
) -> AsyncIterator[Reply]:
    """The first target that answers, with its first event in hand.

    Raises what the last target failed with; NoTarget where there is none; what the caller got wrong at once, unless
    another target may be able to do it.
    """
    failure: FreeholdError = NoTarget("no target is fit to answer")
    for target in targets:
        async with AsyncExitStack() as stack:
            try:
                reply = await _begin(target, plan, backends, stack)
            except _ANOTHER_MAY_DO as exc:
                failure = exc
                continue
            yield reply
            return
    raise failure


async def _begin(target: str, plan: Callable[[Backend], Exchange], backends: Backends, stack: AsyncExitStack) -> Reply:
    backend = await backends.ready(target)
    exchange = plan(backend)
    answer = await stack.enter_async_context(backends.open(target, exchange.upstream))
    if exchange.upstream.stream:
        chunks = _stream(await _first(answer.events), answer.events, exchange)
    else:
        chunks = _whole(exchange.whole(answer.body))
        exchange.tally.finished = True
    return Reply(target=target, model=backend.model, exchange=exchange, chunks=chunks)


async def _first(events: AsyncIterator[Event]) -> Event:
    async for event in events:
        return event
    raise EngineBroke("the backend ended its answer before the first event")


async def _stream(first: Event, rest: AsyncIterator[Event], exchange: Exchange) -> AsyncIterator[bytes]:
    if chunk := exchange.event(first):
        yield chunk
    async for event in rest:
        if chunk := exchange.event(event):
            yield chunk
    if not exchange.tally.finished:
        raise EngineBroke("the backend's answer broke off")


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body
