# SPDX-License-Identifier: Apache-2.0
"""What a fact may say: one type for each kind of entry. What nobody established is left out or says ``unknown``.

Nothing here concludes anything; who can compel whom is derived, in ``derive.py``, and never typed in.
"""

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from freehold.contract.facts import Confidence

Answer = Literal["yes", "no", "unknown"]
DialectName = Literal["openai", "openai-responses", "anthropic", "mistral"]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]
Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}\Z")]
State = Annotated[str, Meta(pattern=r"^([A-Z]{2}|unknown)\Z")]
Region = Annotated[str, Meta(pattern=r"^[A-Z][A-Z0-9-]{1,31}\Z")]
Share = Annotated[str, Meta(pattern=r"^(majority|minority|unknown|(100|\d{1,2}(\.\d{1,4})?)%)\Z")]
Host = Annotated[str, Meta(min_length=1, max_length=253)]  # hosts.py has its forms
BaseUrl = Annotated[str, Meta(pattern=r"^(https?://[^\s/?#@]+(/[^\s?#@]*[^\s?#@/])?)?\Z", max_length=2000)]


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Anything that is said, with who said it, as of which day, and how well it is established."""

    source: Text  # a public URL, or the name of a public document
    as_of: date  # the day of the source, or the day on which it was read where it bears none
    confidence: Confidence


class Owner(Fact, frozen=True):
    """Who holds a part of an organisation. It counts from ``effective`` and until ``until``."""

    organisation: Id
    share: Share
    control: str = ""  # in what words control is stated, where it does not follow from the share
    effective: date | None = None
    until: date | None = None
    expected_by: date | None = None  # announced and not known to be done: counted already, and looked at again by then
    note: str = ""

    @property
    def controls(self) -> bool:
        """More than half, stated control, or a share that nobody established."""
        if self.control or self.share in ("majority", "unknown"):
            return True
        return self.share.endswith("%") and float(self.share[:-1]) > 50


class Owners(Fact, frozen=True):
    """The list, and whether its source says that nobody else has more than half or control."""

    complete: Answer
    listed: list[Owner] = []


class Tie(Fact, frozen=True):
    """A listing, a subsidiary or another tie: exposure to a state, not its authority."""

    kind: Literal["listing", "subsidiary", "tie"]
    state: State
    name: str = ""


class Organisation(Fact, frozen=True):
    """Whoever operates, owns, holds keys or processes. Its source speaks for name and seat."""

    name: Text
    seat: State
    kind: Literal["company", "people", "state"] = "company"  # people and states have no owner
    owners: Owners | None = None
    ties: list[Tie] = []
    note: str = ""


class Operator(Fact, frozen=True):
    """Who runs the service, for a customer in the EU."""

    organisation: Id


class KeyHolder(Fact, frozen=True):
    """Who can decrypt what is kept, besides the operator."""

    organisation: Id


class SubProcessor(Fact, frozen=True):
    """One sub-processor. Whatever is not confirmed to see no plaintext counts as seeing it."""

    organisation: Id
    sees_plaintext: Answer = "unknown"
    purpose: str = ""

    @property
    def counts(self) -> bool:
        return not (self.sees_plaintext == "no" and self.confidence is Confidence.CONFIRMED)


class SubProcessors(Fact, frozen=True):
    """The list, and whether its source says that it is all of them."""

    complete: Answer
    listed: list[SubProcessor] = []


class Hostname(Fact, frozen=True):
    """A name that calls are sent to. ``{region}`` and the like stand for what a customer puts there."""

    host: Host
    location: State = "unknown"
    note: str = ""


class Locations(Fact, frozen=True):
    """Where a call may be computed, and whether its source says that it is nowhere else."""

    states: list[State]
    complete: Answer
    note: str = ""


class Retention(Fact, frozen=True):
    """For how long, at most, what was sent is kept by default."""

    days: Annotated[int, Meta(ge=0)]
    note: str = ""


class Training(Fact, frozen=True):
    """Whether the operator trains on what it is sent, by default."""

    trains: Answer
    note: str = ""


class Provider(Fact, frozen=True):
    """One service that answers calls. Its source speaks for the service as such."""

    name: Text
    operator: Operator | None = None
    dialects: list[DialectName] = []
    hosts: list[Hostname] = []
    base_url: BaseUrl = ""  # under which its API lies; where a customer has one of their own, none
    key_holders: list[KeyHolder] = []
    sub_processors: SubProcessors | None = None
    locations: Locations | None = None
    retention: Retention | None = None
    training: Training | None = None
    licences: list[Id] = []  # of families whose weights it publishes
    notes: list[Text] = []


class Jurisdiction(Fact, frozen=True):
    """A union of states under one law."""

    name: Text
    members: Annotated[list[State], Meta(min_length=1)]


class Adequacy(Fact, frozen=True):
    """A decision of the European Commission under Article 45 GDPR, by the state that it is about."""

    name: Text
    kind: Literal["state", "organisation"] = "state"
    act: str = ""
    since: date | None = None
    expires: date | None = None
    limit: str = ""  # to whom alone it applies; empty: to all
    note: str = ""


class Statute(Fact, frozen=True):
    """A law by which a state reaches beyond its borders."""

    state: State
    act: Text
    reach: str = ""
    note: str = ""


class Licence(Fact, frozen=True):
    """What the licence of a family of models asks."""

    family: Text
    licence: Text
    remote_restriction: Answer = "unknown"  # whether its text lets the licensor restrict use remotely
    excluded: str = ""  # who gets no grant
    limit: str = ""
    note: str = ""


class LicenceTerms(Fact, frozen=True):
    """One licence that is neither Apache-2.0 nor MIT, as far as it touches whoever runs a model."""

    title: Text
    known_as: list[Text] = []  # what model hubs and files call it
    marks: list[Text] = []  # words that only its text has
    remote_restriction: Answer = "unknown"
    excluded: list[Region] = []  # states and unions in which it grants nothing
    excluded_whom: str = ""  # to whom there, in its own terms
    cap: str = ""  # above how much revenue, or how many users, it grants nothing
    limit: str = ""
    note: str = ""


class RepositoryLicence(Fact, frozen=True):
    """The licence of one repository of a model, as it was read there."""

    repository: Text  # such as ORGANISATION/NAME, or pkg:NAME of a package
    licence: Text  # SPDX, or the name of its terms
    revisions: list[Text] = []  # at which it was read; none: at no particular one


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """All entries, by kind and name."""

    organisations: dict[str, Organisation] = {}
    providers: dict[str, Provider] = {}
    jurisdictions: dict[str, Jurisdiction] = {}
    adequacy: dict[str, Adequacy] = {}
    statutes: dict[str, Statute] = {}
    licences: dict[str, Licence] = {}
    licence_terms: dict[str, LicenceTerms] = {}
    repositories: dict[str, RepositoryLicence] = {}
