# SPDX-License-Identifier: Apache-2.0
"""Who may be contacted for what is no call: what freehold.toml grants. For an import without such a grant, what the
person who imports is told of, once.

Without a standing grant the import itself is the grant: it names a package, and pip's settings on this machine name the
hosts. These may then lie in a private network, as a mirror of one's own does. A standing grant replaces all that.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from freehold.contract.digest import sha256_of
from freehold.contract.grant import Allowance, Errand, Permit, Place, names_of
from freehold.errors import EgressDenied
from freehold.settings import GrantSection

IMPORT = "import"


def import_permit(
    grants: Mapping[str, GrantSection], tell: Callable[[Errand], None], record: Callable[[Errand], None]
) -> Permit:
    """The permit of one import, which calls both in its own thread. ``record`` returns once that is on record."""
    standing = tuple(grant for grant in grants.values() if grant.purpose == IMPORT)

    def permit(errand: Errand) -> Allowance:
        if standing:
            allowed = _allowance(standing)
            tell(Errand(contacted=errand.contacted & allowed.places, beyond=errand.beyond & allowed.places))
            return allowed
        tell(errand)
        record(errand)
        return Allowance(places=errand.places, private=errand.places)

    return permit


def standing_permit(grants: Callable[[], Mapping[str, GrantSection]], purpose: str) -> Permit:
    """The permit of whoever contacts somebody again and again: what the grants in force at that moment allow."""

    def permit(errand: Errand) -> Allowance:
        allowed = _allowance(grant for grant in grants().values() if grant.purpose == purpose)
        if missing := errand.places - allowed.places:
            raise EgressDenied(
                f"{names_of(missing)} is not granted",
                hint=f'Name it under a [grant.NAME] with for = "{purpose}" in freehold.toml.',
            )
        return allowed

    return permit


def hosts_digest(errand: Errand) -> str:
    """SHA-256 over the hosts and ports, sorted, as a JSON array of ``host:port`` without white space."""
    hosts = sorted(map(str, errand.places))
    return sha256_of(msgspec.json.encode(hosts))


def _allowance(grants: Iterable[GrantSection]) -> Allowance:
    places: set[Place] = set()
    private: set[Place] = set()
    for grant in grants:
        places |= grant.places
        private |= grant.places if grant.allow_private else set()
    return Allowance(places=frozenset(places), private=frozenset(private))
