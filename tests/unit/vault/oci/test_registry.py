# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.oci_builder import Artifact, artifact
from tests.vault_builder import model_files
from tests.web_builder import Web, serving

from freehold.egress.asking import asking
from freehold.errors import EgressDenied, VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Vault

FILES = model_files()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(tmp_path_factory.mktemp("registry")) as web:
        yield web


@pytest.fixture
def web(host: Web) -> Web:
    for kept in (host.files, host.redirects, host.statuses):
        kept.clear()
    host.heard.clear()
    host.breaks_after.clear()
    host.token = ""
    return host


@pytest.fixture
def vault(tmp_path: Path, own: EllipticSigner, web: Web) -> Vault:
    return Vault(tmp_path / "vault", ask=partial(asking, tls=web.tls), signer=lambda: own)


def push(web: Web, made: Artifact, tag: str = "v1") -> str:
    """Put an artifact into the registry; its source."""
    for reference in (tag, made.digest):
        web.files[f"/v2/org/llama/manifests/{reference}"] = made.manifest
    for digest, content in made.blobs.items():
        web.files[f"/v2/org/llama/blobs/{digest}"] = content
    return f"oci://{web.place}/org/llama:{tag}"


@pytest.mark.parametrize("token", ["", "abc.def"])
def test_a_tag_is_resolved_to_a_digest_that_is_recorded(vault: Vault, web: Web, token: str) -> None:
    web.token = token
    made = artifact(FILES)
    manifest = vault.import_model(push(web, made), permit=web.permit).manifest
    assert (manifest.name, manifest.repository) == ("llama", f"oci://{web.place}/org/llama")
    assert (manifest.revision, manifest.source_digest) == (made.digest, made.digest)
    assert {file.path for file in manifest.files} == set(FILES)


def test_a_digest_names_the_manifest_itself(vault: Vault, web: Web) -> None:
    made = artifact(FILES)
    push(web, made)
    source = f"oci://{web.place}/org/llama@{made.digest}"
    assert vault.import_model(source, permit=web.permit).manifest.revision == made.digest


def test_a_tag_that_has_moved_is_refused_before_a_file_is_fetched(vault: Vault, web: Web) -> None:
    first, second = artifact(FILES), artifact({**FILES, "tokenizer.json": b'{"a": 1}'})
    source = push(web, first)
    vault.import_model(source, permit=web.permit)
    push(web, second)
    web.heard.clear()
    with pytest.raises(VerificationFailed, match=f"from {first.digest}, and now it is {second.digest}; changed: token"):
        vault.import_model(source, permit=web.permit)
    assert [path for path, _ in web.heard] == ["/v2/org/llama/manifests/v1"]


def test_a_manifest_or_a_file_that_is_not_what_its_digest_says_is_refused(vault: Vault, web: Web) -> None:
    made, other = artifact(FILES), artifact({"config.json": b"{}"})
    push(web, made)
    web.files[f"/v2/org/llama/manifests/{made.digest}"] = other.manifest
    with pytest.raises(VerificationFailed, match=f"must be {made.digest} and was found to be {other.digest}"):
        vault.import_model(f"oci://{web.place}/org/llama@{made.digest}", permit=web.permit)
    source = push(web, made)
    for digest, content in made.blobs.items():
        if content == FILES["model-00001-of-00002.safetensors"]:
            web.files[f"/v2/org/llama/blobs/{digest}"] = content[:-1] + b"\x01"
    with pytest.raises(VerificationFailed, match=r"model-00001-of-00002.safetensors: the digest must be"):
        vault.import_model(source, permit=web.permit)
    assert vault.list() == ()


def test_an_import_that_broke_off_fetches_only_what_is_missing(vault: Vault, web: Web) -> None:
    made = artifact(FILES)
    source = push(web, made)
    digest = next(d for d, content in made.blobs.items() if content == FILES["tokenizer_config.json"])
    web.statuses[f"/v2/org/llama/blobs/{digest}"] = 503
    with pytest.raises(VaultError, match="answered with 503"):
        vault.import_model(source, permit=web.permit)
    web.statuses.clear()
    web.heard.clear()
    vault.import_model(source, permit=web.permit)
    whole = [path for path, fields in web.heard if "/blobs/" in path and "range" not in fields]
    assert whole == [f"/v2/org/llama/blobs/{digest}"]


def test_a_token_is_sent_to_nobody_else(vault: Vault, web: Web) -> None:
    web.token = "secret"
    made = artifact(FILES)
    source = push(web, made)
    for digest in made.blobs:
        web.redirects[f"/v2/org/llama/blobs/{digest}"] = f"https://127.0.0.2:{web.port}/x"
    with pytest.raises(EgressDenied, match=f"127.0.0.2:{web.port} is not granted"):
        vault.import_model(source, permit=web.permit)


@pytest.mark.parametrize(("status", "why"), [(404, "was answered with 404"), (403, "was answered with 403")])
def test_what_is_not_there_is_said(vault: Vault, web: Web, status: int, why: str) -> None:
    web.statuses["/v2/org/llama/manifests/v1"] = status
    with pytest.raises(VaultError, match=why):
        vault.import_model(f"oci://{web.place}/org/llama:v1", permit=web.permit)
