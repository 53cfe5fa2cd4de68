# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest
from tests.gguf_builder import Gguf
from tests.web_builder import Web, serving

from freehold.contract.grant import Allowance, Errand
from freehold.egress.asking import asking
from freehold.errors import EgressDenied, VaultError, VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Vault
from freehold.vault.downloading import ask_nobody
from freehold.vault.sources import WebFile, parse_source
from freehold.vault.store import Store

SOUND = Gguf().build()
HEX = hashlib.sha256(SOUND).hexdigest()
PATH = "/models/tiny.gguf"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(tmp_path_factory.mktemp("web")) as web:
        yield web


@pytest.fixture
def web(host: Web) -> Web:
    for kept in (host.files, host.redirects, host.statuses):
        kept.clear()
    host.heard.clear()
    host.breaks_after.clear()
    host.ranges = True
    host.files[PATH] = SOUND
    return host


@pytest.fixture
def vault(tmp_path: Path, own: EllipticSigner, web: Web) -> Vault:
    return Vault(tmp_path / "vault", ask=partial(asking, tls=web.tls), signer=lambda: own)


def partials(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "vault" / "partial").iterdir())


def test_a_file_is_fetched_and_held_to_its_digest(vault: Vault, web: Web, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    source = f"{web.url(PATH)}#sha256={HEX}"
    manifest = vault.import_model(source, progress=lambda *at: steps.append(at), permit=web.permit).manifest
    assert (manifest.name, manifest.digest, manifest.origin) == ("tiny", f"sha256:{HEX}", source)
    assert manifest.repository == f"https://{web.place}"
    assert (len(SOUND), len(SOUND)) in steps
    assert partials(tmp_path) == []


def test_the_digest_may_be_given_beside_the_address(vault: Vault, web: Web) -> None:
    assert vault.import_model(web.url(PATH), sha256=HEX, permit=web.permit).manifest.digest == f"sha256:{HEX}"


def test_without_a_digest_nobody_is_asked(vault: Vault, web: Web) -> None:
    with pytest.raises(VaultError, match="says nothing of what it must hold"):
        vault.import_model(web.url(PATH), permit=web.permit)
    assert web.heard == []


def test_two_digests_that_differ_are_refused(vault: Vault, web: Web) -> None:
    with pytest.raises(VerificationFailed, match="must be"):
        vault.import_model(f"{web.url(PATH)}#sha256={HEX}", sha256="0" * 64, permit=web.permit)


def test_other_content_is_refused_with_both_digests_and_nothing_is_kept(vault: Vault, web: Web, tmp_path: Path) -> None:
    changed = SOUND.replace(b"Tiny", b"Tidy")
    web.files[PATH] = changed
    with pytest.raises(VerificationFailed, match=f"must be sha256:{HEX} and was found to be sha256:"):
        vault.import_model(f"{web.url(PATH)}#sha256={HEX}", permit=web.permit)
    assert (vault.list(), partials(tmp_path)) == ((), [])


def test_an_answer_that_breaks_off_is_gone_on_with(vault: Vault, web: Web) -> None:
    web.breaks_after = [100, 200]
    vault.import_model(f"{web.url(PATH)}#sha256={HEX}", permit=web.permit)
    assert [fields.get("range") for _, fields in web.heard] == [None, "bytes=100-", "bytes=300-"]
    assert {fields.get("if-range") for _, fields in web.heard[1:]} == {web.etag(SOUND)}


def test_an_import_that_was_given_up_is_gone_on_with_by_the_next(vault: Vault, web: Web, tmp_path: Path) -> None:
    source = f"{web.url(PATH)}#sha256={HEX}"
    web.breaks_after = [100, 0, 0, 0, 0, 0]
    with pytest.raises(VaultError, match="broke off after 100 of") as refused:
        vault.import_model(source, permit=web.permit)
    assert "100 bytes of it are kept" in refused.value.advice
    (folder,) = partials(tmp_path)
    assert (folder / "data").read_bytes() == SOUND[:100]
    web.heard.clear()
    vault.import_model(source, permit=web.permit)
    assert [fields.get("range") for _, fields in web.heard] == ["bytes=100-"]


def test_a_file_that_changed_meanwhile_is_fetched_anew(vault: Vault, web: Web) -> None:
    web.files[PATH] = bytes(1000)
    web.breaks_after = [100, 0, 0, 0, 0, 0]
    source = f"{web.url(PATH)}#sha256={HEX}"
    with pytest.raises(VaultError, match="broke off"):
        vault.import_model(source, permit=web.permit)
    web.files[PATH] = SOUND
    assert vault.import_model(source, permit=web.permit).manifest.digest == f"sha256:{HEX}"


def test_a_host_without_ranges_is_asked_for_the_whole(vault: Vault, web: Web) -> None:
    web.ranges, web.breaks_after = False, [100]
    assert vault.import_model(f"{web.url(PATH)}#sha256={HEX}", permit=web.permit).weights_are_new


def test_what_had_all_come_is_not_fetched_again(vault: Vault, web: Web, tmp_path: Path) -> None:
    source = f"{web.url(PATH)}#sha256={HEX}"
    with Store(tmp_path / "vault").partial(f"{web.url(PATH)}\nsha256:{HEX}") as folder:
        (folder / "data").write_bytes(SOUND)
        (folder / "validator").write_text(web.etag(SOUND))
    assert vault.import_model(source, permit=web.permit).weights_are_new
    assert [fields.get("range") for _, fields in web.heard] == [f"bytes={len(SOUND)}-"]


def test_a_redirect_is_followed_to_a_granted_place_and_to_no_other(vault: Vault, web: Web) -> None:
    web.redirects["/here"] = PATH
    assert vault.import_model(f"{web.url('/here')}#sha256={HEX}", name="tiny", permit=web.permit).name_is_new
    web.redirects["/away"] = f"https://127.0.0.1:{web.port + 1}/x"
    with pytest.raises(EgressDenied, match=f"127.0.0.1:{web.port + 1} is not granted"):
        vault.import_model(f"{web.url('/away')}#sha256={'1' * 64}", permit=web.permit)
    web.redirects["/plain"] = "http://127.0.0.1/x"
    with pytest.raises(EgressDenied, match="not an https:// URL"):
        vault.import_model(f"{web.url('/plain')}#sha256={'1' * 64}", permit=web.permit)
    web.redirects["/round"] = "/round"
    with pytest.raises(VaultError, match="never to the file"):
        vault.import_model(f"{web.url('/round')}#sha256={'1' * 64}", permit=web.permit)


def test_a_host_that_is_not_granted_or_lies_at_a_private_address_is_not_contacted(vault: Vault, web: Web) -> None:
    def nowhere(errand: Errand) -> Allowance:
        return Allowance()

    def not_private(errand: Errand) -> Allowance:
        return Allowance(places=errand.places)

    for permit, reason in ((nowhere, "is not granted"), (not_private, "loopback address")):
        with pytest.raises(EgressDenied, match=reason):
            vault.import_model(f"{web.url(PATH)}#sha256={HEX}", permit=permit)
    assert web.heard == []


def test_a_certificate_of_nobody_known_is_refused(tmp_path: Path, web: Web) -> None:
    with pytest.raises(VaultError, match=r"certificate of .* cannot be verified"):
        Vault(tmp_path / "vault").import_model(f"{web.url(PATH)}#sha256={HEX}", permit=web.permit)


def test_a_sealed_estate_asks_nobody(tmp_path: Path, web: Web) -> None:
    with pytest.raises(EgressDenied, match="sealed"):
        Vault(tmp_path / "vault", ask=ask_nobody).import_model(f"{web.url(PATH)}#sha256={HEX}", permit=web.permit)


def test_space_is_asked_for_before_anything_is_kept(tmp_path: Path, web: Web) -> None:
    vault = Vault(tmp_path / "vault", ask=partial(asking, tls=web.tls), free=lambda _: 1000)
    with pytest.raises(VaultError, match="bytes for this model and has 1000 free"):
        vault.import_model(f"{web.url(PATH)}#sha256={HEX}", permit=web.permit)


@pytest.mark.parametrize(("status", "message"), [(404, "answered with 404 instead"), (503, "answered with 503")])
def test_what_is_no_file_is_said(vault: Vault, web: Web, status: int, message: str) -> None:
    web.statuses[PATH] = status
    with pytest.raises(VaultError, match=message):
        vault.import_model(f"{web.url(PATH)}#sha256={HEX}", permit=web.permit)


def test_a_second_import_of_a_source_waits_for_nobody_and_is_refused(tmp_path: Path) -> None:
    def held() -> AbstractContextManager[Path]:
        return Store(tmp_path / "vault").partial("a")

    with held(), pytest.raises(VaultError, match="another import of the same source"), held():
        pass


def test_what_nobody_went_on_with_for_a_week_is_dropped(tmp_path: Path) -> None:
    store = Store(tmp_path / "vault")
    with store.partial("old") as old:
        (old / "data").write_bytes(b"x")
    os.utime(old, (0, 0))
    with store.partial("new") as new:
        assert [path.name for path in new.parent.iterdir()] == [new.name]


@pytest.mark.parametrize(
    "text",
    ["http://a.example/x", "https://user:word@a.example/x", "https://a.example/a b", "https://a.example/x#sha256=1"],
)
def test_an_address_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(VaultError, match=r"https:// URL|64 hexadecimal digits"):
        parse_source(text)


def test_an_address_with_a_digest_is_a_source() -> None:
    found = parse_source(f"https://a.example/m/My%20Model.gguf?x=1#sha256={HEX}")
    assert found == WebFile(url="https://a.example/m/My%20Model.gguf?x=1", sha256=HEX)
    assert found.file_name == "My Model.gguf"


def test_an_import_that_is_cancelled_keeps_what_came_and_nothing_else(vault: Vault, web: Web, tmp_path: Path) -> None:
    def cancel(done_bytes: int, _: int) -> None:
        if done_bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vault.import_model(f"{web.url(PATH)}#sha256={HEX}", progress=cancel, permit=web.permit)
    assert (vault.list(), list((tmp_path / "vault" / "incoming").iterdir())) == ((), [])
    assert len(partials(tmp_path)) == 1
