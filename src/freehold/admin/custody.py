# SPDX-License-Identifier: Apache-2.0
"""The operations on models: taking them in, checking them, and what somebody has to answer for: approving, signing,
removing.

An approval gives a model power, so it is recorded first; removing one is done first. The ledger has digests only: why a
model was approved is in the approval, which lies in the vault and goes with the model.
"""

import asyncio
from contextlib import suppress
from pathlib import Path

from freehold.admin.custody_views import custody_view
from freehold.admin.interface import Parts
from freehold.admin.means import Answer, Means
from freehold.admin.requests import ApproveModel, ByName, ImportModel, SignModel
from freehold.admin.trusting import trust_of
from freehold.contract.digest import sha256_of
from freehold.contract.grant import Permit
from freehold.errors import EstateError, InvalidRequest, VaultError
from freehold.signing.elliptic import load_elliptic_signer
from freehold.vault import Dossier, Progress, own_signer


class Custody:
    """``asker`` is the id of the operator."""

    def __init__(self, parts: Parts, means: Means) -> None:
        self._parts = parts
        self._means = means

    async def import_model(self, request: ImportModel, asker: str, progress: Progress, permit: Permit) -> Answer:
        """Take a model into the vault, and approve it at once where that is asked for."""
        imported = await asyncio.to_thread(
            self._parts.vault.import_model,
            request.source,
            request.name,
            request.sha256,
            progress,
            permit,
            trust=await asyncio.to_thread(trust_of, self._parts.estate, self._means.settings()),
        )
        manifest = imported.manifest
        async with self._means.changing:
            await self._means.record("model.import", manifest.name, asker, {"weights": manifest.digest})
            await self._means.publish()
        if request.approve:
            wish = ApproveModel(name=manifest.name, reason=request.reason)
            custody = (await self.approve(wish, asker))["custody"]
        else:
            custody = (await self.show(ByName(name=manifest.name), asker))["custody"]
        with suppress(EstateError):  # without a supervisor there is no engine that could have failed
            await self._parts.supervisor.retry(manifest.name)
        return {"model": manifest, "new": imported.name_is_new, "left_out": imported.left_out, "custody": custody}

    async def verify_model(self, request: ByName, asker: str, progress: Progress) -> Answer:  # noqa: ARG002
        """Hash a model's weights again and compare. Raises VerificationFailed."""
        return {"model": await asyncio.to_thread(self._parts.vault.verify, request.name, progress)}

    async def show(self, request: ByName, asker: str) -> Answer:  # noqa: ARG002
        """Whether a model may run, and what there is to approve."""
        return {"custody": custody_view(await asyncio.to_thread(self._dossier, request.name))}

    async def approve(self, request: ApproveModel, asker: str) -> Answer:
        """Let a model run, on the word of whoever asks. Raises VaultError, InvalidRequest, LedgerUnavailable."""
        dossier = await asyncio.to_thread(self._dossier, request.name)
        if request.manifest and request.manifest != dossier.manifest_digest:
            raise VaultError(
                f"{request.name} is not what was shown: its manifest has {dossier.manifest_digest}, and what is to be "
                f"approved has {request.manifest}",
                hint=f"Look again: freehold vault approve {request.name}",
            )
        if dossier.wants_reason and not request.reason:
            wanting = "; ".join(concern.what for concern in dossier.concerns if concern.wants_reason)
            raise InvalidRequest(
                f"{request.name} is approved only with a reason: {wanting}",
                param="reason",
                hint="Say why with --reason; it is kept with the approval, and goes with the model.",
            )
        manifest = dossier.manifest
        approval = await asyncio.to_thread(self._drafted, request, asker)
        async with self._means.changing:
            digests = {
                "weights": manifest.digest,
                "manifest": dossier.manifest_digest,
                "approval": sha256_of(approval),
            }
            if manifest.chat_template_digest:
                digests["template"] = manifest.chat_template_digest
            await self._means.record("model.approve", manifest.name, asker, digests)
            await asyncio.to_thread(self._parts.vault.keep_approval, manifest.name, approval)
        with suppress(EstateError):  # without a supervisor there is no engine that waits for it
            await self._parts.supervisor.retry(manifest.name)
        return {"custody": custody_view(await asyncio.to_thread(self._dossier, request.name))}

    async def sign(self, request: SignModel, asker: str, progress: Progress) -> Answer:
        """Sign a model with the key behind a URI, or with the estate's own."""
        signature = await asyncio.to_thread(self._signed, request, progress)
        digest = sha256_of(signature)
        async with self._means.changing:
            await self._means.record("model.sign", request.name, asker, {"signature": digest})
            await asyncio.to_thread(self._parts.vault.keep_signature, request.name, signature)
        return {"custody": custody_view(await asyncio.to_thread(self._dossier, request.name))}

    async def remove(self, request: ByName, asker: str) -> Answer:
        """Take a model out of the vault. Raises VaultError for one that a target names."""
        using = [name for name, target in self._means.settings().engines.items() if target.model == request.name]
        if using:
            raise VaultError(
                f"{request.name} is the model of the target {', '.join(using)}",
                hint="Give the target another model in freehold.toml and 'freehold reload', then remove this one.",
            )
        async with self._means.changing:
            manifest = await asyncio.to_thread(self._parts.vault.remove, request.name)
            await self._means.record("model.remove", manifest.name, asker, {"weights": manifest.digest})
            await self._means.publish()
        return {"model": manifest}

    def _dossier(self, name: str) -> Dossier:
        return self._parts.vault.judge(name, trust_of(self._parts.estate, self._means.settings()))

    def _drafted(self, request: ApproveModel, asker: str) -> bytes:
        signer = own_signer(self._parts.estate)
        return self._parts.vault.draft_approval(request.name, signer, reason=request.reason or "", by=asker)

    def _signed(self, request: SignModel, progress: Progress) -> bytes:
        estate = self._parts.estate
        signer = load_elliptic_signer(request.key, Path("/")) if request.key else own_signer(estate)
        return self._parts.vault.sign(request.name, signer, progress)
