# SPDX-License-Identifier: Apache-2.0
"""The supply chain of what runs here: owners as packages state them, and countries where a source has them.

No package states a country. Where the facts have an organisation of the very name that a package states as its owner,
the seat of that is known, with its source; nobody's country follows from a name, an address or a language.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from freehold.assess.bom.document import Part
from freehold.assess.bom.packages import Packages, installed_packages
from freehold.assess.ourselves.result import UNKNOWN, Package
from freehold.policy.facts import Register


def packages_of(register: Register) -> tuple[Package, ...]:
    """In the order of their names."""
    return described(installed_packages(), register)


def described(installed: Packages, register: Register) -> tuple[Package, ...]:
    seats = {one.name.casefold(): (one.seat, one.source) for one in register.organisations.values()}
    users = _users(installed.needs)
    found = (_package(part, seats, users) for part in installed.components)
    return tuple(sorted(found, key=lambda one: one.name))


def _package(part: Part, seats: Mapping[str, tuple[str, str]], users: Mapping[str, list[str]]) -> Package:
    owner = str(part.get("publisher", ""))
    country, source = seats.get(owner.casefold(), (UNKNOWN, ""))
    return Package(
        name=part["name"],
        version=part["version"],
        owner=owner,
        country=country,
        country_source=source,
        licence=" AND ".join(_licences(part)) or UNKNOWN,
        locked={"name": "freehold:package:locked", "value": "yes"} in part.get("properties", ()),
        needed_by=tuple(sorted(users[str(part["bom-ref"])])),
    )


def _licences(part: Part) -> Iterator[str]:
    for one in part.get("licenses", ()):
        named = one.get("license", {})
        yield str(one.get("expression") or named.get("id") or named.get("name"))


def _users(needs: Mapping[str, tuple[str, ...]]) -> Mapping[str, list[str]]:
    users: dict[str, list[str]] = defaultdict(list)
    for user, needed in needs.items():
        for reference in needed:
            users[reference].append(user.removeprefix("pkg:pypi/").partition("@")[0])
    return users
