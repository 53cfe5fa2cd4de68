# SPDX-License-Identifier: Apache-2.0
"""Trust as an estate has it: the rules of freehold.toml with the keys that they name, its own key, the release's."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

from cryptography.x509 import Certificate

from freehold.contract.estate import Estate
from freehold.errors import OperatorError
from freehold.settings import Settings, TrustSection, blame
from freehold.signing.elliptic import EllipticVerifier, load_elliptic_verifier, parse_elliptic_verifier
from freehold.signing.files import key_path, read_public
from freehold.vault.oms import read_certificates
from freehold.vault.trust.rules import Mode, Rule, Trust

_RELEASE = files("freehold.vault.trust") / "release"
_RELEASE_KEY = "release.pem"


def read_trust(estate: Estate, settings: Settings) -> Trust:
    """Whose word counts in this estate. Raises SettingsError for a key that cannot be read, EstateError for its own."""
    return Trust(
        rules=tuple(_rule(estate, name, section) for name, section in settings.trusts.items()),
        estate=_own(estate.vault_pub),
        release=release_key(),
        release_approvals=tuple(place.read_bytes() for place in _RELEASE.iterdir() if place.name.endswith(".json")),
    )


def release_key() -> EllipticVerifier:
    """The key whose private half signed this release's approvals once, and is no more."""
    return parse_elliptic_verifier((_RELEASE / _RELEASE_KEY).read_bytes(), _RELEASE_KEY)


def _own(path: Path) -> EllipticVerifier | None:
    return load_elliptic_verifier(str(path)) if path.exists() else None


def _rule(estate: Estate, name: str, section: TrustSection) -> Rule:
    with _blaming(estate, name, "keys"):
        keys = tuple(load_elliptic_verifier(uri, estate.directory) for uri in section.keys)
    with _blaming(estate, name, "certificates"):
        roots = tuple(root for uri in section.certificates for root in _roots(key_path(uri, estate.directory)))
    return Rule(name=name, match=tuple(section.match), mode=Mode(section.mode), keys=keys, roots=roots)


def _roots(path: Path) -> tuple[Certificate, ...]:
    return read_certificates(read_public(path), str(path))


@contextmanager
def _blaming(estate: Estate, name: str, key: str) -> Iterator[None]:
    try:
        yield
    except OperatorError as problem:
        raise blame(estate.settings, ("trust", name), key, problem.message) from problem
