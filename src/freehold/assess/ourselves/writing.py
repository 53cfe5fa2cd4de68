# SPDX-License-Identifier: Apache-2.0
"""The result as a document. Reckons nothing."""

from collections.abc import Iterator

from freehold.assess.evidence.document import Block, Bullets, Command, Document, Figure, Section, Table, Text
from freehold.assess.ourselves.result import UNKNOWN, Engine, Key, Ourselves, Package, Start, Wish

_KINDS = {
    "name": "name looked up",
    "address": "connection",
    "here": "port of this machine",
    "socket": "socket of another program",
    "unread": "not readable",
}
_FOOTER = (
    "Written by freehold doctor --sovereignty. What the start wanted was read by the kernel's filter in a network that "
    "holds nothing else; owners are as packages state them, and what nobody states is told as unknown."
)


def write_report(found: Ourselves | None, origin: str = "") -> Document:
    """None: there was no check yet, and the document says so."""
    if found is None:
        return Document(
            title=f"Check of ourselves: {origin}",
            about="not done on this estate",
            sections=(Section(title="Not done", blocks=tuple(_not_done())),),
            footer=_FOOTER,
        )
    return Document(
        title=f"Check of ourselves: {found.origin}",
        about=f"Freehold {found.freehold}, {found.at}, {found.host}",
        figures=tuple(_figures(found)),
        sections=tuple(_sections(found)),
        footer=_FOOTER,
    )


def _not_done() -> Iterator[Block]:
    yield Text(text="Nobody has had this estate look at what it depends on itself. This does:")
    yield Command(text="freehold doctor --sovereignty")


def _figures(found: Ourselves) -> Iterator[Figure]:
    if found.start.not_done:
        yield Figure(figure="not done", says="start without a network")
    else:
        yield Figure(figure="yes" if found.start.came_up else "no", says="comes up without a network")
        yield Figure(figure=str(len(found.unforeseen)), says="things wanted that no setting names")
    yield Figure(figure=str(len(found.packages)), says="packages that run here")
    known = sum(one.country != UNKNOWN for one in found.packages)
    yield Figure(figure=f"{known} of {len(found.packages)}", says="packages whose owner's country is known")
    yield Figure(figure=str(len(found.exposed)), says="secrets that others may read")
    built = sum(one.made == "built here" for one in found.engines)
    yield Figure(figure=f"{built} of {len(found.engines)}", says="engines that were built here")


def _sections(found: Ourselves) -> Iterator[Section]:
    yield Section(title="A start without any network", blocks=tuple(_start(found.start)))
    yield Section(title="Places that the settings name", blocks=tuple(_places(found)))
    yield Section(title="Packages that run here", blocks=tuple(_packages(found)))
    yield Section(title="Where keys lie", blocks=tuple(_keys(found.keys)))
    yield Section(title="Where engines and weights come from", blocks=tuple(_engines(found.engines)))


def _start(start: Start) -> Iterator[Block]:
    if start.not_done:
        yield Bullets(title="This was not done", items=(start.not_done,), warns=True)
        return
    yield Text(
        text="A copy of the estate, with its settings, rules, facts and models, and without its record, the ledger's "
        "key and the keys of providers, was started in a network of its own, which holds a loopback and nothing else. "
        "Each target was called once. Every connection, datagram and question to a name server of any of its "
        "processes was read before it failed."
    )
    yield Text(text="It came up." if start.came_up else f"It did not come up: {start.said}")
    if start.came_up and start.said:
        yield Text(text=start.said)
    yield Table(
        headings=("service", "target", "whose", "a call there"),
        rows=tuple((one.service, one.target, "own" if one.owned else "provider", one.ended) for one in start.calls),
        empty="No target was called.",
    )
    yield Table(
        headings=("what it wanted", "kind", "times", "program", "named by"),
        rows=tuple(map(_wish, start.wanted)),
        empty="It wanted nothing of a network.",
    )
    yield Bullets(title="What this does not show", items=tuple(_unseen(start)), warns=True)


def _wish(wish: Wish) -> tuple[str, ...]:
    named = wish.because or ("this machine" if wish.kind == "here" else "no setting")
    return (wish.what, _KINDS[wish.kind], str(wish.times), wish.by or "not known", named)


def _unseen(start: Start) -> Iterator[str]:
    if not start.names_seen:
        yield "Names that were looked up: this host did not let the check stand in for its name servers."
    yield "What an engine tried: its jail refuses connections before anybody is asked ('freehold status')."
    yield "Connections that are opened on a socket without connect(2) or an address in sendto(2), as QUIC may do."
    yield "What happens later than a start and a call: an import, a drill, a day's work."


def _places(found: Ourselves) -> Iterator[Block]:
    yield Text(text="Nobody is contacted because a place stands here; a start contacts none but what is listed above.")
    yield Table(
        headings=("place", "setting", "what for"),
        rows=tuple((one.where, one.setting, one.why) for one in found.places),
        empty="The settings name nobody's place.",
    )


def _packages(found: Ourselves) -> Iterator[Block]:
    yield Text(
        text="Owners are as the packages state them. No package states its owner's country; one is given here only "
        "where the facts have an organisation of that very name. Unknown is unknown, and not none."
    )
    yield Table(
        headings=("package", "owner", "country of the owner", "licence", "hashes locked", "needed by"),
        rows=tuple(map(_package, found.packages)),
    )


def _package(one: Package) -> tuple[str, ...]:
    country = f"{one.country}: {one.country_source}" if one.country_source else one.country
    locked = "yes" if one.locked else "no"
    return (f"{one.name} {one.version}", one.owner or "none stated", country, one.licence, locked, _listed(one))


def _listed(one: Package) -> str:
    return ", ".join(one.needed_by)


def _keys(keys: tuple[Key, ...]) -> Iterator[Block]:
    yield Table(headings=("place", "holds", "mode", "its owner alone", "at rest"), rows=tuple(map(_key, keys)))
    exposed = tuple(f"{key.place} has mode {key.mode}: others may read it" for key in keys if key.alone is False)
    if exposed:
        yield Bullets(title="Not for their owner alone", items=exposed, warns=True)


def _key(key: Key) -> tuple[str, ...]:
    alone = {True: "yes", False: "no", None: "not asked for"}[key.alone]
    return (key.place, key.holds, key.mode or "none", alone, key.at_rest)


def _engines(engines: tuple[Engine, ...]) -> Iterator[Block]:
    yield Table(
        headings=("target", "engine", "how it came here", "of what", "digest"),
        rows=tuple((one.target, one.engine, one.made, _made(one), one.digest or "none") for one in engines),
        empty="This estate runs no engine.",
    )
    yield Table(
        headings=("target", "model", "from", "digest"),
        rows=tuple(
            (one.target, one.model, one.model_from or UNKNOWN, one.model_digest or "not in the vault")
            for one in engines
        ),
        empty="It runs no model.",
    )
    yield Text(text="All parts with their digests, as CycloneDX: estate/bom.cdx.json in a pack, or 'freehold bom'.")


def _made(one: Engine) -> str:
    if one.made == "found":
        return one.source or f"{one.file} was found on this host; how it was built is {UNKNOWN}"
    return "\n".join(filter(None, (one.source, *one.how, one.at))) or "it is not there"
