# SPDX-License-Identifier: Apache-2.0
"""A model's standing, as the admin API and the command line show it."""

from freehold.admin.views import View
from freehold.vault import Dossier


def custody_view(dossier: Dossier) -> View:
    """What a person should see before approving a model, and what the model's standing is."""
    verdict = dossier.verdict
    return {
        "name": dossier.manifest.name,
        "manifest_digest": dossier.manifest_digest,
        "may_run": verdict.may_run,
        "why": verdict.why,
        "mode": verdict.mode,
        "concerns": [concern.what for concern in dossier.concerns],
        "notes": list(dossier.notes),
        "sentences": list(dossier.sentences),
        "wants_reason": dossier.wants_reason,
        "signatures": [
            {
                "signer": signed.signer,
                "key": signed.hint,
                "manifest_too": signed.manifest_too,
                "problem": signed.problem,
            }
            for signed in dossier.signatures
        ],
    }
