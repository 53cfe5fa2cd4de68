# SPDX-License-Identifier: Apache-2.0
"""Makes what a release says about the models that it pins: ``python release/approve.py VAULT``, once for each release.

Every pinned model must be in the vault, and is read whole. A key is made, signs one approval for each, and is gone when
this ends: nobody can approve anything in this release's name afterwards. Look at what it prints before you commit it.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from freehold import __version__
from freehold.errors import VerificationFailed
from freehold.signing.elliptic import EllipticSigner
from freehold.vault import Vault
from freehold.vault.pins import PINS
from freehold.vault.trust import Approval, draft_approval

_FOLDER = Path(__file__).parents[1] / "src" / "freehold" / "vault" / "trust" / "release"
_REASON = "pinned and read by those who made this release"


def main(vault: Vault, folder: Path) -> None:
    """Replace what the release before said."""
    signer = EllipticSigner(ec.generate_private_key(ec.SECP256R1()))
    approvals = {pin.name: _approval(vault, pin.name, f"sha256:{pin.sha256}") for pin in PINS}
    for path in folder.glob("*.json"):
        path.unlink()
    for name, approval in approvals.items():
        (folder / f"{name}.json").write_bytes(draft_approval(name, approval, signer))
        print(f"{name}: {approval.model}, chat template {approval.chat_template or 'none'}, {approval.licence}")
    (folder / "release.pem").write_bytes(signer.verifier.pem)
    print(f"signed with {signer.verifier.hint}, which is gone now")


def _approval(vault: Vault, name: str, digest: str) -> Approval:
    manifest = vault.verify(name)
    if manifest.digest != digest:
        raise VerificationFailed(f"{name} is pinned as {digest} and is {manifest.digest} in this vault")
    return Approval(
        model=manifest.digest,
        manifest="",  # every estate has its own: of when, and from where, it imported the model
        chat_template=manifest.chat_template_digest,
        licence=manifest.licence,
        reason=_REASON,
        approved_by=f"release {__version__}",
        approved_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


if __name__ == "__main__":
    main(Vault(Path(sys.argv[1])), _FOLDER)
