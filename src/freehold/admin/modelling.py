# SPDX-License-Identifier: Apache-2.0
"""The operations that show models: what each is, who vouches for it, what it was made of, who runs it. Reads only."""

import asyncio
from collections.abc import Sequence

import msgspec

from freehold.admin.custody_views import custody_view
from freehold.admin.etags import etag_of
from freehold.admin.interface import Parts
from freehold.admin.means import Answer, Means
from freehold.admin.requests import ByName, ListModels
from freehold.admin.trusting import trust_of
from freehold.admin.tunings import Tunings
from freehold.admin.views import View
from freehold.errors import VaultError
from freehold.vault import Manifest, Trust


class Modelling:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._parts = parts
        self._vault = parts.vault
        self._means = means
        self._tunings = Tunings(parts.state)

    async def list_models(self, request: ListModels, asker: str) -> Answer:  # noqa: ARG002 - the shape of every operation
        """Every model, by name; ``full`` says whether each may run, which opens its files."""
        return {"models": await asyncio.to_thread(self._rows, full=request.full)}

    async def show_model(self, request: ByName, asker: str) -> Answer:  # noqa: ARG002
        """All that is known of one. Raises VaultError."""
        return await asyncio.to_thread(self._shown, request.name)

    async def list_tunings(self, request: ByName, asker: str) -> Answer:  # noqa: ARG002
        """What came of measuring it, the newest first. Raises VaultError."""
        await asyncio.to_thread(self._vault.show, request.name)
        return {"tunings": await asyncio.to_thread(self._tunings.of, request.name)}

    def _rows(self, *, full: bool) -> list[View]:
        trust = self._trust() if full else None
        return [self._row(manifest, trust) for manifest in self._vault.list()]

    def _row(self, manifest: Manifest, trust: Trust | None) -> View:
        row = {**_plain(manifest), "targets": self._targets(manifest.name), "etag": self._etag(manifest)}
        if trust is not None:
            custody = custody_view(self._vault.judge(manifest.name, trust))
            row |= {"may_run": custody["may_run"], "why": custody["why"], "signed_by": _signers(custody)}
        return row

    def _shown(self, name: str) -> Answer:
        manifest, trust = self._vault.show(name), self._trust()
        approvals = self._vault.approvals(name, trust)
        return {
            "model": {**_plain(manifest), "etag": self._etag(manifest)},
            "targets": self._targets(name),
            "custody": custody_view(self._vault.judge(name, trust)),
            "approvals": [{"by": one.approved_by, "at": one.approved_at, "reason": one.reason} for one in approvals],
            "template": self._template(name) or None,
            "lineage": _lineage(manifest, self._vault.list()),
            "tunings": self._tunings.of(name),
        }

    def _template(self, name: str) -> str:
        """Of a model that cannot be read any more: nothing. Why is among its concerns."""
        try:
            return self._vault.template(name)
        except VaultError:
            return ""

    def _etag(self, manifest: Manifest) -> str:
        """Over the manifest and all that was signed about it."""
        return etag_of([manifest.digest, manifest.name, *self._vault.papers(manifest.name)])

    def _targets(self, model: str) -> list[str]:
        return [name for name, target in self._means.settings().engines.items() if target.model == model]

    def _trust(self) -> Trust:
        return trust_of(self._parts.estate, self._means.settings())


def _plain(manifest: Manifest) -> View:
    plain: View = msgspec.to_builtins(manifest)
    return plain


def _signers(custody: View) -> list[str]:
    signatures = custody["signatures"]
    assert isinstance(signatures, list)  # noqa: S101 - custody_view() made it
    return sorted({one["signer"] or one["key"] for one in signatures if not one["problem"]})


def _lineage(manifest: Manifest, known: Sequence[Manifest]) -> View:
    """What it was made of and what was made of it, as far as the vault has those."""
    by_digest = {one.digest: one.name for one in known}
    return {
        "parents": [{"digest": digest, "name": by_digest.get(digest)} for digest in manifest.lineage.parents],
        "children": [
            {"digest": one.digest, "name": one.name} for one in known if manifest.digest in one.lineage.parents
        ],
        "done": manifest.lineage.done,
    }
