# SPDX-License-Identifier: Apache-2.0
"""A model in an OCI registry, over the distribution API (distribution-spec v1.1, Pull). Anonymous: no password is sent.

A tag is resolved to the digest of a manifest, which is what is recorded and what everything else hangs on.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from urllib.parse import urlencode

from freehold.contract.digest import sha256_of
from freehold.egress.asking import Asking, broken_off, https_place
from freehold.errors import ContactFailed, VaultError
from freehold.vault.arrival import Arrival
from freehold.vault.downloading import Download, Lazy, landing_of
from freehold.vault.folders import arrival_of_files
from freehold.vault.hashing import Progress
from freehold.vault.inspect.documents import read_json
from freehold.vault.oci.manifest import (
    INDEX,
    MANIFEST,
    MAX_DOCUMENT_BYTES,
    Blob,
    files_of,
    find_manifest,
    is_digest,
)
from freehold.vault.sources import OciImage, Stream
from freehold.vault.store import Store

_MAX_TOKEN_BYTES = 64 * 2**10
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@contextmanager
def arrival_of_image(source: OciImage, asking: Asking, store: Store, progress: Progress) -> Iterator[Arrival]:
    """The model; its files are fetched when they are opened. Raises VaultError, VerificationFailed, EgressDenied."""
    registry = _Registry(source, asking)
    place = f"oci://{source.host}/{source.repository}"
    content = registry.document(source.reference)
    digest = source.reference if is_digest(source.reference) else sha256_of(content)
    known = {digest: content}

    def load(wanted: str) -> bytes:
        return known[wanted] if wanted in known else registry.document(wanted)

    manifest_digest, manifest = find_manifest(digest, load, place)
    with ExitStack() as stack:
        fetching: dict[str, Lazy] = {}

        def open_blob(blob: Blob) -> AbstractContextManager[Stream]:
            if blob.digest not in fetching:
                wanted = Download(
                    url=f"{registry.base}/blobs/{blob.digest}",
                    digest=blob.digest,
                    path=blob.path or source.file_name,
                    headers=registry.headers,
                )
                fetching[blob.digest] = stack.enter_context(landing_of(wanted, asking, store, progress))
            return fetching[blob.digest].open()

        arrival = arrival_of_files(files_of(manifest, place), open_blob, place, manifest_digest)
        yield Arrival(
            files=arrival.files,
            repository=place,
            revision=manifest_digest,
            source_digest=manifest_digest,
            left_out=arrival.left_out,
        )


class _Registry:
    """One repository in one registry."""

    def __init__(self, source: OciImage, asking: Asking) -> None:
        self.base = f"https://{source.host}/v2/{source.repository}"
        self.headers: Mapping[str, str] = {}
        self._asking = asking
        self._scope = f"repository:{source.repository}:pull"

    def document(self, reference: str) -> bytes:
        """A manifest's bytes, unchecked. Raises VaultError, EgressDenied."""
        url = f"{self.base}/manifests/{reference}"
        status, content, challenge = self._get(url, MAX_DOCUMENT_BYTES)
        if status == 401 and not self.headers:
            self.headers = {"Authorization": f"Bearer {self._token(challenge)}"}
            status, content, _ = self._get(url, MAX_DOCUMENT_BYTES)
        if status != 200:
            raise VaultError(
                f"{url} was answered with {status}",
                hint="Is there such a tag? A repository that wants a password cannot be read: copy it into a layout "
                "with another tool, and import oci:PATH.",
            )
        return content

    def _token(self, challenge: str) -> str:
        """What a registry gives to anybody who asks (distribution, token authentication). Raises VaultError."""
        named = dict(_CHALLENGE.findall(challenge)) if challenge.lower().startswith("bearer ") else {}
        if "realm" not in named:
            raise VaultError(f"{self.base} wants a password, and none is sent")
        asked = urlencode({"service": named.get("service", ""), "scope": self._scope})
        status, content, _ = self._get(f"{named['realm']}?{asked}", _MAX_TOKEN_BYTES)
        document = read_json(content, "the registry's token") if status == 200 else {}
        found = (document.get("token") or document.get("access_token")) if isinstance(document, dict) else None
        if not isinstance(found, str) or not re.fullmatch(r"[!-~]{1,16384}", found):
            raise VaultError(f"{self.base} gives no leave to read it without a password")
        return found

    def _get(self, url: str, limit_bytes: int) -> tuple[int, bytes, str]:
        """Status, body and challenge."""
        place = https_place(url)
        own = place == https_place(self.base)
        headers = {"Accept": f"{MANIFEST}, {INDEX}, application/json", **(self.headers if own else {})}
        try:
            with self._asking.get(url, headers) as answer, broken_off(place):
                content = answer.read(limit_bytes + 1)
                status, challenge = answer.status, answer.getheader("WWW-Authenticate", "")
        except ContactFailed as problem:
            raise VaultError(f"{place} could not be asked: {problem.message}") from problem
        if len(content) > limit_bytes:
            raise VaultError(f"{place} answered with more than {limit_bytes} bytes")
        return status, content, challenge
