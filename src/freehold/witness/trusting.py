# SPDX-License-Identifier: Apache-2.0
"""Whose cosignatures an estate asks for, by its settings, as a policy that any C2SP verifier reads.

What the estate itself goes by is what it hands to whoever verifies: the same text (c2sp.org/tlog-policy).
"""

from freehold.contract.estate import Estate
from freehold.errors import VerificationFailed
from freehold.ledger.check.trust import TrustPolicy, parse_policy
from freehold.settings import Settings, blame
from freehold.signing.cosignature import parse_cosigner

_GROUP = "QUORUM"  # no witness can have that name: theirs are in small letters


def policy_text(settings: Settings, log_vkey: str) -> str:
    """The estate's log, its witnesses and their quorum."""
    quorum, names = settings.ledger.quorum, " ".join(settings.witnesses)
    lines = [f"log {log_vkey}"]
    lines += [f"witness {name} {section.vkey} {section.url}" for name, section in settings.witnesses.items()]
    if not settings.witnesses:
        lines += ["quorum none"]
    elif isinstance(quorum, int) or quorum in {"all", "any"}:
        lines += [f"group {_GROUP} {quorum} {names}", f"quorum {_GROUP}"]
    else:
        lines += [f"quorum {quorum}"]
    return "".join(f"{line}\n" for line in lines)


def policy_of(settings: Settings, log_vkey: str) -> TrustPolicy:
    """The same, read. Raises TrustInvalid."""
    return parse_policy(policy_text(settings, log_vkey).encode())


def require_witnesses(estate: Estate, settings: Settings) -> None:
    """Raises SettingsError naming the line of a witness whose key is none, or another's."""
    taken: dict[bytes, str] = {}
    for name, section in settings.witnesses.items():
        try:
            key = parse_cosigner(section.vkey).public_key
        except VerificationFailed as problem:
            raise blame(estate.settings, ("witness", name), "vkey", problem.message) from problem
        if rival := taken.get(key):
            what = f"this is the key of [witness.{rival}], and one witness counts once"
            raise blame(estate.settings, ("witness", name), "vkey", what)
        taken[key] = name
