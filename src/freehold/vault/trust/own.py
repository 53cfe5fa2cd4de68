# SPDX-License-Identifier: Apache-2.0
"""The estate's own key for models: it signs manifests at import, and what operators approve. Never replaced unasked."""

from freehold.contract.estate import Estate
from freehold.errors import EstateError
from freehold.signing.elliptic import EllipticSigner, create_elliptic_key, load_elliptic_signer
from freehold.signing.files import write_new_key


def own_signer(estate: Estate) -> EllipticSigner:
    """The key; made where the estate has none yet. Raises EstateError."""
    if not estate.vault_key.exists():
        if estate.vault_pub.exists():
            raise EstateError(
                f"{estate.vault_key} is gone, and models were signed and approved with it",
                hint=f"Restore it from a backup. With {estate.vault_pub} moved away a new one is made, and every model "
                "has to be approved again.",
            )
        create_elliptic_key(estate.vault_key)
    signer = load_elliptic_signer(str(estate.vault_key))
    if not estate.vault_pub.exists():
        write_new_key(estate.vault_pub, signer.verifier.pem)
        estate.vault_pub.chmod(0o644)  # it is public
    return signer
