# SPDX-License-Identifier: Apache-2.0
"""The operations that look into the ledger: search, one entry, receipts, its files, who saw what, who used what.

They read the log's files, as anybody may who has them, so that they answer while the ledger's process is away. Each
works in a thread, one question that reads much at a time, so that the control process stays at hand.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from freehold.admin.interface import Parts, Progress
from freehold.admin.means import Answer, Means, Raw
from freehold.admin.record.accounts import MOST_COUNTED, Accounts, Used, count
from freehold.admin.record.entries import Act, Bundles, read
from freehold.admin.record.proving import entry_view, published_origin, require_published
from freehold.admin.record.searching import Search, wanted
from freehold.admin.requests import ByIndex, ByPath, Nothing, Period, SearchLedger, TakeReceipt
from freehold.admin.views import View
from freehold.errors import FreeholdError, InvalidRequest, LedgerFault
from freehold.ledger.check.fsck import TreeReport, check_tree
from freehold.ledger.check.issuing import PublishedLog, receipt_for, tlog_proof_for
from freehold.ledger.check.surroundings import Surroundings, check_surroundings
from freehold.ledger.check.verify import verify_ledger
from freehold.ledger.compose import instant
from freehold.ledger.public.files import PublicFiles
from freehold.ledger.record.search import first_since
from freehold.ledger.tree.checkpoint import read_unverified
from freehold.ledger.tree.store import LedgerFiles

Tell = Callable[[Progress], None]
T = TypeVar("T")

_A_DAY = timedelta(days=1)
_LOOKED_BACK = 5_000  # entries, for the last act on something
_LAST_INDEX = 2**63 - 1


class Reading:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._parts = parts
        self._estate = parts.estate
        self._means = means
        self._much = asyncio.Lock()  # who reads much, one after the other
        self._whole = asyncio.Lock()  # and who reads all of it, which takes longer

    async def search(self, request: SearchLedger, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        """Entries, newest first. Raises InvalidRequest, EstateError."""
        what = wanted(request)

        def look() -> Answer:
            log = _Log.open(LedgerFiles(self._estate.ledger))
            start, end = log.span(request.since, request.until)
            end = min(end, int(request.cursor)) if request.cursor else end
            page = Search(self._estate.ledger, log.bundles).page(what, end=end, start=start, limit=request.limit)
            return {**page, "log": log.view}

        return await self._in_turn(look)

    async def show(self, request: ByIndex, asker: str) -> Answer:  # noqa: ARG002
        """One entry, with what proves it. Raises NotFound, EstateError."""
        await self._have_published(request.index)
        witnesses = {name: section.vkey for name, section in self._means.settings().witnesses.items()}
        vkey = await asyncio.to_thread(self._vkey)
        view = await asyncio.to_thread(entry_view, self._estate.ledger, request.index, vkey, witnesses)
        return {"entry": view}

    async def receipt(self, request: TakeReceipt, asker: str) -> Raw:  # noqa: ARG002
        """The receipt as whoever made the call gets it, without the salt. Raises NotFound, VerificationFailed."""
        await self._have_published(request.index)
        return await asyncio.to_thread(self._receipt, request)

    async def file(self, request: ByPath, asker: str) -> Raw:  # noqa: ARG002
        """One of the log's own files, for whoever derives the tree anew."""
        return await asyncio.to_thread(self._file, request.path)

    async def flows(self, request: Period, asker: str) -> Answer:  # noqa: ARG002
        """Which calls went to whom. Raises EstateError."""
        return {"flows": await self._in_turn(lambda: self._accounted(request, _flows))}

    async def usage(self, request: Period, asker: str) -> Answer:  # noqa: ARG002
        """What each key was used for. Raises EstateError."""
        labels = {key.id: key.label for key in await asyncio.to_thread(self._parts.state.api_keys)}
        return {"usage": await self._in_turn(lambda: self._accounted(request, lambda found: _usage(found, labels)))}

    async def verify(self, request: Nothing, asker: str, tell: Tell) -> Answer:  # noqa: ARG002
        """Derive the whole log anew and compare. Raises VerificationFailed, EstateError."""
        await self._try_to_publish()
        tell(Progress(doing="verifying the ledger", done_bytes=0, total_bytes=0))
        async with self._whole:
            return {"ledger": await asyncio.to_thread(lambda: verify_ledger(self._estate.ledger, self._vkey()))}

    async def fsck(self, request: Nothing, asker: str, tell: Tell) -> Answer:  # noqa: ARG002
        """Look through the ledger's files. Repairs nothing. Raises EstateError."""
        tell(Progress(doing="looking through the ledger's files", done_bytes=0, total_bytes=0))

        def look() -> View:
            tree = check_tree(self._estate.ledger, self._vkey())
            around = check_surroundings(
                self._estate.ledger, self._estate.salts, size=tree.size, minimum_index=tree.minimum_index
            )
            return fsck_view(tree, around)

        async with self._whole:
            return {"fsck": await asyncio.to_thread(look)}

    async def last_act_on(self, subject: str) -> Mapping[str, object] | None:
        """The newest act on something, where it is not long ago: who, what and when."""
        await self._try_to_publish()
        return await asyncio.to_thread(self._last_act_on, subject)

    def _last_act_on(self, subject: str) -> Mapping[str, object] | None:
        mark = b'"subject":' + msgspec.json.encode(subject)
        with suppress(FreeholdError):  # it is told besides
            log = _Log.open(LedgerFiles(self._estate.ledger))
            size = log.bundles.size
            for _, data in log.bundles.downward(size, max(0, size - _LOOKED_BACK)):
                entry = read(data) if mark in data else None
                if isinstance(entry, Act):
                    return {"act": entry.act, "by": entry.operator, "at": entry.at}
        return None

    def _receipt(self, request: TakeReceipt) -> Raw:
        directory = self._estate.ledger
        origin = published_origin(directory)
        require_published(PublishedLog(directory, origin), request.index)
        if request.format == "json":
            body, name = receipt_for(directory, origin, request.index), f"receipt-{request.index}.json"
            return _download(body, name, "application/json")
        body, name = tlog_proof_for(directory, origin, request.index).encode(), f"receipt-{request.index}.tlog-proof"
        return _download(body, name, "text/plain; charset=utf-8")

    def _file(self, path: str) -> Raw:
        files = PublicFiles(self._estate.ledger, cosigned=False)
        try:
            reply = files.answer("GET", f"/{path}")
        finally:
            files.close()
        kept = [header for header in reply.headers if header[0] != "cache-control"]
        headers = (*kept, ("cache-control", "no-store"))  # a file that was changed must not hide behind a copy
        return Raw(status=reply.status, headers=headers, body=reply.body, name=path.rpartition("/")[2])

    def _accounted(self, request: Period, view: Callable[[Accounts], View]) -> View:
        since = request.since or datetime.fromtimestamp(self._means.now_unix(), UTC) - _A_DAY
        log = _Log.open(LedgerFiles(self._estate.ledger))
        first, end = log.span(since, request.until)
        start = max(first, end - MOST_COUNTED)
        found = count(log.bundles, start, end)
        return {
            "from": _written(since),
            "to": _written(request.until) if request.until else None,
            "whole": start == first,
            "examined": found.examined,
            "first_index": start,
            "size": log.bundles.size,
            "damaged": log.bundles.damages,
            **view(found),
        }

    async def _in_turn(self, work: Callable[[], T]) -> T:
        async with self._much:
            return await asyncio.to_thread(work)

    async def _have_published(self, index: int) -> None:
        """An entry of a moment ago is on disk, and not under a checkpoint yet."""
        size = await asyncio.to_thread(lambda: read_unverified(LedgerFiles(self._estate.ledger).checkpoint()).size)
        if index >= size:
            await self._try_to_publish()

    async def _try_to_publish(self) -> None:
        with suppress(LedgerFault):
            await self._parts.ledger.publish()

    def _vkey(self) -> str:
        return self._estate.ledger_vkey.read_text(encoding="utf-8").strip()


class _Log:
    """The published log at one moment."""

    def __init__(self, files: LedgerFiles, bundles: Bundles, origin: str) -> None:
        self._files = files
        self.bundles = bundles
        self.view = {"origin": origin, "size": bundles.size, "minimum_index": bundles.minimum_index}

    @classmethod
    def open(cls, files: LedgerFiles) -> "_Log":
        head = read_unverified(files.checkpoint())
        return cls(files, Bundles(files, head.size), head.origin)

    def span(self, since: datetime | None, until: datetime | None) -> tuple[int, int]:
        """The first entry that was written from an instant on, and the first that was not before another."""
        start = self._index_at(since) if since else self.bundles.minimum_index
        return start, max(start, self._index_at(until) if until else self.bundles.size)

    def _index_at(self, at: datetime) -> int:
        return first_since(self._files, self.bundles.size, self.bundles.minimum_index, _written(at))


def _written(at: datetime) -> str:
    """As the ledger writes an instant. Raises InvalidRequest for one of no year."""
    try:
        return instant(at.astimezone(UTC))
    except OverflowError as exc:
        raise InvalidRequest(f"{at.isoformat()} is in no year of the calendar") from exc


def _flows(found: Accounts) -> View:
    return {
        "calls": found.calls,
        "owned_calls": found.owned_calls,
        "foreign_calls": found.calls - found.owned_calls - found.unknown_calls,
        "unknown_calls": found.unknown_calls,
        "refused_calls": sum(found.refused.values()),
        "open_calls": found.open_calls,
        "drill_calls": found.drill_calls,
        "rows": [
            {**msgspec.to_builtins(flow), **msgspec.to_builtins(total)}
            for flow, total in sorted(found.flows.items(), key=lambda item: -item[1].calls)
        ],
        "refused": [
            {"service": service, "data_class": data_class, "calls": calls}
            for (service, data_class), calls in sorted(found.refused.items())
        ],
    }


def _usage(found: Accounts, labels: Mapping[str, str]) -> View:
    by_calls = sorted(found.keys.items(), key=lambda item: (-item[1].total.calls, item[0]))
    return {"keys": [_used(key, labels.get(key, ""), used) for key, used in by_calls]}


def _used(key: str, label: str, used: Used) -> View:
    return {
        "key": key,
        "label": label,
        **msgspec.to_builtins(used.total),
        "refused": used.refused,
        "failed": used.endings["failed"] + used.endings["lost"],
        "endings": dict(used.endings),
        "services": dict(used.services),
        "last": used.last or None,
    }


def _download(body: bytes, name: str, media_type: str) -> Raw:
    headers = (
        ("content-type", media_type),
        ("content-disposition", f'attachment; filename="{name}"'),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    )
    return Raw(headers=headers, body=body, name=name)


def fsck_view(tree: TreeReport, around: Surroundings) -> View:
    """What was found, as it is told."""
    differences = [*tree.differences, *around.differences]
    return {
        "holds": not differences,
        "origin": tree.origin,
        "size": tree.size,
        "minimum_index": tree.minimum_index,
        "root": tree.root.hex(),
        "entries_hold": tree.entries_hold,
        "bundles": tree.bundles,
        "tiles": tree.tiles,
        "partials": tree.partials,
        "unpublished": around.unpublished,
        "differences": msgspec.to_builtins(differences),
        "untold": tree.untold,
        "notes": around.notes,
    }
