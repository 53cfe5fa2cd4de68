# SPDX-License-Identifier: Apache-2.0
"""Whose places the settings name: what an estate asks of others when it is used so. Contacts none of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec.structs import replace

from freehold.assess.ourselves.result import Place, Wish
from freehold.contract.estate import Estate
from freehold.contract.grant import Place as At
from freehold.policy.facts import Register
from freehold.provider import endpoints_of
from freehold.settings import Settings

# Of glibc and systemd: where a program asks this host for names of machines and of users, before any name server.
_NAME_SERVICES: Final = ("/run/nscd/", "/var/run/nscd/", "/run/systemd/resolve/", "/run/systemd/userdb/", "/run/avahi")
_HOST: Final = "this host's name service"


def places_of(estate: Estate, settings: Settings, register: Register) -> tuple[Place, ...]:
    """Raises SettingsError."""
    return tuple(_places(estate, settings, register))


def explained(wishes: Iterable[Wish], places: Iterable[Place]) -> tuple[Wish, ...]:
    """Each with the setting that names its place, where one does: a name by its host, an address by all of it."""
    settings = {place.where: place.setting for place in places}
    hosts = {where.rpartition(":")[0]: setting for where, setting in settings.items()}
    return tuple(replace(wish, because=_because(wish, settings, hosts)) for wish in wishes)


def _because(wish: Wish, settings: Mapping[str, str], hosts: Mapping[str, str]) -> str:
    if wish.kind == "socket" and wish.what.startswith(_NAME_SERVICES):
        return _HOST
    return settings.get(wish.what) or hosts.get(wish.what, "")


def _places(estate: Estate, settings: Settings, register: Register) -> Iterator[Place]:
    for endpoint in endpoints_of(settings, register, estate):
        at = At(host=endpoint.host, port=endpoint.port)
        yield Place(where=str(at), setting=f"provider.{endpoint.provider}", why="calls that the rules let it see")
    for name, witness in settings.witnesses.items():
        for at in sorted(witness.places, key=str):
            yield Place(where=str(at), setting=f"witness.{name}", why="has it sign the ledger's head")
    if settings.signals.place is not None:
        yield Place(where=str(settings.signals.place), setting="signals.traces", why="gets traces")
    for name, grant in settings.grants.items():
        for at in sorted(grant.places, key=str):
            yield Place(where=str(at), setting=f"grant.{name}", why=f"may be contacted for {grant.purpose}")
