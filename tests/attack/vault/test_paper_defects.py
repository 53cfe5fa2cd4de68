# SPDX-License-Identifier: Apache-2.0
"""Manifests and signatures with one defect each: the first are not read, and the others let nothing run."""

from pathlib import Path

import pytest
from tests.attack.vault.make_papers import CONTENT, PAPERS, manifests
from tests.vault_builder import AT, signer

from freehold.errors import OperatorError, VaultError
from freehold.signing.elliptic import load_elliptic_verifier
from freehold.vault import Trust, Vault
from freehold.vault.oms import read_certificates
from freehold.vault.trust import Rule

OWN = signer()
PUBLISHER = load_elliptic_verifier(str(PAPERS / "publisher.pem"))
ROOTS = read_certificates((PAPERS / "root.pem").read_bytes(), "root.pem")
TRUST = Trust(rules=(Rule(name="publisher", match=("*",), keys=(PUBLISHER,), roots=ROOTS),), estate=OWN.verifier)
SOUND = {"sound", "sound-by-certificate"}
SIGNATURES = sorted(path.stem for path in (PAPERS / "signatures").iterdir())
REASONS = {
    "digest-in-capitals": "not one that this version",
    "digest-of-other-files": "another digest or size",
    "field-unknown": "not one that this version",
    "files-out-of-order": "out of order",
    "lists-a-file-more": "another digest or size",
    "lists-a-file-twice": "lists its files twice",
    "lists-no-file": "not one that this version",
    "lists-no-weights": "another digest or size",
    "name-of-another-model": "renamed or swapped",
    "no-newline": "changed by hand",
    "not-json": "not one that this version",
    "path-in-a-file": "in one another",
    "path-is-absolute": "is not a path that a file of a model may have",
    "path-leads-out": "is not a path that a file of a model may have",
    "path-of-the-signature": "what the vault itself puts beside",
    "schema-of-a-later-release": "not one that this version",
    "size-of-other-files": "another digest or size",
    "spaces": "changed by hand",
}


def test_every_defect_of_a_manifest_has_its_file_and_its_reason() -> None:
    assert {path.stem for path in (PAPERS / "manifests").iterdir()} == set(REASONS) == set(manifests())


@pytest.mark.parametrize("defect", sorted(REASONS))
def test_a_defective_manifest_is_not_read(defect: str, tmp_path: Path) -> None:
    manifest = PAPERS / "manifests" / f"{defect}.json"
    assert manifest.read_bytes() == manifests()[defect]
    place = tmp_path / "manifests" / "tiny.json"
    place.parent.mkdir()
    place.write_bytes(manifest.read_bytes())
    with pytest.raises(VaultError, match=REASONS[defect]):
        Vault(tmp_path).show("tiny")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    """One that holds the model, without any signature of a publisher."""
    source = tmp_path / "source" / "tiny.gguf"
    source.parent.mkdir()
    source.write_bytes(CONTENT)
    vault = Vault(tmp_path / "vault", signer=lambda: OWN, now=lambda: AT)
    vault.import_model(str(source))
    return vault


@pytest.mark.parametrize("name", SIGNATURES)
def test_only_a_sound_signature_lets_a_model_run(name: str, vault: Vault) -> None:
    vault.keep_signature("tiny", (PAPERS / "signatures" / f"{name}.sig").read_bytes())
    if name in SOUND:
        vault.open_verified("tiny", TRUST).close()
    elif name == "certificate-expired":
        late = Vault(vault._store.directory, now=lambda: AT.replace(day=24))
        with pytest.raises(VaultError, match=r"nobody has approved it, and the certificate .* is not valid on"):
            late.open_verified("tiny", TRUST)
    else:
        with pytest.raises(VaultError, match="tiny may not run: nobody has approved it"):
            vault.open_verified("tiny", TRUST)


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_that_is_about_something_else_stops_the_import(name: str, tmp_path: Path) -> None:
    source = tmp_path / "tiny.gguf"
    source.write_bytes(CONTENT)
    signature = (PAPERS / "signatures" / f"{name}.sig").read_bytes()
    source.with_name("tiny.gguf.sig").write_bytes(signature)
    vault = Vault(tmp_path / "vault", signer=lambda: OWN, now=lambda: AT)
    fits = name in SOUND or name.startswith("certificate-") or name == "by-another-key"
    if fits:
        vault.import_model(str(source), trust=TRUST)
        return
    with pytest.raises(OperatorError, match="does not vouch for the model"):
        vault.import_model(str(source), trust=TRUST)
    assert vault.list() == ()
