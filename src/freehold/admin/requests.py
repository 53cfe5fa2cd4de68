# SPDX-License-Identifier: Apache-2.0
"""What may be asked of the admin operations, typed. A field that is not named here is refused, never ignored."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from freehold.admin.keys import EVERY_SERVICE
from freehold.settings import DataClassName

Label = Annotated[str, Meta(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*\Z", description="one line of text")]
Reason = Annotated[
    str,
    Meta(
        max_length=2000,
        pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*\Z",
        description="one line of text that is not empty",
    ),
]
Digest = Annotated[
    str, Meta(pattern=r"^sha256:[0-9a-f]{64}\Z", description="sha256: and 64 hexadecimal digits in lower case")
]
Sha256 = Annotated[  # as a person may copy it from elsewhere
    str, Meta(pattern=r"^(sha256:)?[0-9a-fA-F]{64}\Z", description="a SHA-256 digest, 64 hexadecimal digits")
]
Instant = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
FormatName = Literal["q8_0", "q4_0", "q4_1", "q4_k_m", "q5_0", "q5_1", "q4_k_s", "q5_k_m", "q6_k", "iq4_nl", "iq4_xs"]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of a request, and the names in its path."""


class Nothing(Request, frozen=True):
    """A request that needs no words."""


class Page(Nothing, frozen=True):
    """A part of a list: so many rows, after the one that the last answer's ``next`` names."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 200
    cursor: Annotated[str, Meta(max_length=512)] = ""


class ListDirectives(Page, frozen=True):
    """A part of the directives."""

    standing: bool = False  # those alone that are not lifted
    newest: bool = False  # these first


class Period(Request, frozen=True):
    """From an instant on, and up to one; without them a day back, and to the end."""

    since: Instant | None = msgspec.field(name="from", default=None)
    until: Instant | None = msgspec.field(name="to", default=None)


class Since(Request, frozen=True):
    """What came after an instant, in Unix seconds; without it all that is kept."""

    since: Annotated[float, Meta(ge=0, le=1e12)] = 0.0


class ExplainCall(Request, frozen=True):
    """A call that is made up, or ``decision`` alone: one that was judged. A backend is a target, or provider:NAME."""

    service: Name | None = None
    data_class: DataClassName | None = None
    key: Name | None = None
    purpose: (
        Annotated[str, Meta(pattern=r"^[a-z0-9._-]{0,64}\Z", description="a-z, 0-9 and ._- only, at most 64")] | None
    ) = None
    backends: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()
    decision: Name | None = None


class TabulatePolicy(Request, frozen=True):
    """The table of the rules, for a key, with providers of the register besides the targets."""

    key: Name | None = None
    providers: Annotated[tuple[Name, ...], Meta(max_length=64)] = ()


class ProveClaims(Request, frozen=True):
    """Claims about the rules in force; else those of the estate. ``meaning``: say what they mean, prove none."""

    claims: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=1000)], ...], Meta(max_length=32)] = ()
    meaning: bool = False


class ByCode(Request, frozen=True):
    """One kind of error."""

    code: Name


class ByOperator(Request, frozen=True):
    """Whoever operates a provider, by its name in the register; or self."""

    operator: Name


class ListModels(Page, frozen=True):
    """The models; ``full``: with whether each may run, which opens its files."""

    full: bool = False


class CompareDrills(Request, frozen=True):
    """Two drills, by their ids."""

    a: Name
    b: Name


class SearchLedger(Period, frozen=True):
    """What entries are looked for, newest first. ``mentions`` is any id that an entry holds."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 50
    cursor: Annotated[str, Meta(pattern=r"^([0-9]{1,18})?\Z")] = ""
    kind: Literal["call", "act", "outcome"] | None = None
    service: Name | None = None
    application: Name | None = None
    decision: Name | None = None  # allow, refuse, or the id of one
    ending: Literal["complete", "continued", "cancelled", "failed", "lost", "open"] | None = None
    mentions: Name | None = None


class ByIndex(Request, frozen=True):
    """One entry of the ledger."""

    index: Annotated[int, Meta(ge=0, le=2**63 - 1)]


class TakeReceipt(ByIndex, frozen=True):
    """The proof of one entry, as a file."""

    format: Literal["json", "tlog-proof"] = "json"


class ByPath(Request, frozen=True):
    """One of the files that the log is made of, as C2SP's tlog-tiles names it."""

    path: Annotated[str, Meta(min_length=1, max_length=128)]


class CreateKey(Request, frozen=True):
    """An API key. Without services it may use every one; without a rate, gateway.requests_per_minute is its rate."""

    label: Label = ""
    services: Annotated[tuple[Name, ...], Meta(min_length=1)] = EVERY_SERVICE
    requests_per_minute: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    data_class: DataClassName = "public"
    expires_in_s: Annotated[float, Meta(gt=0, le=100 * 366 * 86400)] | None = None


class CreateOperator(Request, frozen=True):
    """Somebody who may use the admin port."""

    label: Label = ""


class RunDrill(Request, frozen=True):
    """A drill. ``text`` is the scenario's, under that name; without it the name is of one that comes with Freehold."""

    scenario: Annotated[str, Meta(min_length=1, max_length=4096)]
    text: Annotated[str, Meta(max_length=2**19)] = ""
    service: Name | None = None
    traffic: Literal["synthetic", "replay"] = "synthetic"
    requests: Annotated[int, Meta(ge=1, le=5000)] = 24
    simulated: bool = False
    kill_engine: bool = False


class ById(Request, frozen=True):
    """One key or operator."""

    id: Name


class ByName(Request, frozen=True):
    """One model."""

    name: Name


class QualifyTarget(Request, frozen=True):
    """Have the acceptance cases of a service answered by its targets, or by one of them."""

    service: Name
    target: Name | None = None


class IssueDirective(Request, frozen=True):
    """A withdrawal of every target that the name stands for."""

    kind: Literal["model", "provider", "authority", "region"]
    name: Annotated[
        str,
        Meta(
            max_length=256,
            pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f])?\Z",
            description="one line of text without blanks at its ends",
        ),
    ]
    reason: Reason
    source: Annotated[str, Meta(min_length=1, max_length=2000)]  # the URL of the order
    effective: Instant | None = None  # at once
    cuts: bool = False
    tells: bool = False
    dry_run: bool = False


class SignDirective(Request, frozen=True):
    """A second signature, on exactly what has this digest."""

    id: Name
    digest: Digest


class WithdrawTarget(Request, frozen=True):
    """A person's decision that a target gets no call."""

    name: Name
    reason: Reason
    dry_run: bool = False


class RestoreTarget(ByName, frozen=True):
    """A person's decision that a target is in service again."""

    dry_run: bool = False


class ImportModel(Request, frozen=True):
    """A model file on this machine: a path, absolute, because the control process has a folder of its own."""

    source: Annotated[str, Meta(min_length=1, max_length=4096)]
    name: Name | None = None
    sha256: Sha256 | None = None
    approve: bool = False  # at once, whatever it is
    reason: Reason | None = None  # of the approval


BundlePart = Literal["settings", "policies", "facts", "acceptance", "bom"]


class ExportBundle(Request, frozen=True):
    """A bundle to be written at an absolute path. Without ``models`` it has all of them; ``key`` is a URI."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]
    folder: bool = False
    models: tuple[Name, ...] | None = None
    without: tuple[BundlePart, ...] = ()
    key: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    engines: bool = False
    platforms: tuple[Name, ...] = ()  # the program for each of these
    python: (
        Annotated[str, Meta(pattern=r"^3\.[0-9]{1,2}\Z", description="a version of Python, such as 3.12")] | None
    ) = None
    extras: tuple[Name, ...] = ()
    wheels: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None  # a folder to take them from


class ImportBundle(Request, frozen=True):
    """A bundle at an absolute path, and what makes the operator believe it."""

    path: Annotated[str, Meta(min_length=1, max_length=4096)]
    keys: tuple[Annotated[str, Meta(min_length=1, max_length=4096)], ...] = ()  # URIs of public keys
    digest: Digest | None = None
    models: tuple[Name, ...] | None = None
    without: tuple[BundlePart, ...] = ()
    replace: bool = False
    approve: bool = False
    reason: Reason | None = None


class BuildEngine(Request, frozen=True):
    """An engine out of the pinned source, or out of an archive on this machine: an absolute path, and its SHA-256."""

    source: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    sha256: Sha256 | None = None
    jobs: Annotated[int, Meta(ge=1, le=1024)] | None = None


class ByDigest(Request, frozen=True):
    """One engine, by the beginning of its digest."""

    digest: Annotated[
        str, Meta(pattern=r"^[0-9a-f]{1,64}\Z", description="the digest or its beginning, hexadecimal in lower case")
    ]


class ApproveModel(Request, frozen=True):
    """An operator's word that a model may run. ``manifest`` is what was shown, so that nothing else is approved."""

    name: Name
    manifest: Digest | None = None
    reason: Reason | None = None


class SignModel(Request, frozen=True):
    """A signature over a model, with the key behind a URI, or with the estate's own."""

    name: Name
    key: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None


class TuneModel(Request, frozen=True):
    """A model to be measured in other formats. ``keep`` is best, none or a format; a loss of 0.05 is one of 5 %."""

    name: Name
    formats: tuple[FormatName, ...] = ()  # none: the usual ones
    max_loss: Annotated[float, Meta(ge=0, le=10)] = 0.05
    keep: Literal["best", "none"] | FormatName = "best"
    derived_name: Name | None = None
    quick: bool = False
    auto: bool = False  # have the targets that run the model run what is kept
    reason: Reason | None = None  # of the approval


class Forget(Request, frozen=True):
    """What is to be erased: exactly one of these."""

    call: Name | None = None
    position: (
        Annotated[
            str,
            Meta(
                max_length=512,
                pattern=r"^[^\s]+/[0-9]{1,19}\Z",
                description="ORIGIN/INDEX, as an answer names its receipt",
            ),
        ]
        | None
    ) = None
    day: Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d\Z", description="a day as YYYY-MM-DD")] | None = None
    text: Name | None = None


class SealPack(Request, frozen=True):
    """The manifest of an evidence pack, and the key that it says will have signed it."""

    id: Annotated[str, Meta(pattern=r"^pack_[0-9a-f]{12}\Z")]
    manifest: Digest
    key: Digest


class ClearAlarm(Request, frozen=True):
    """An alarm that a person lifts."""

    id: Name
    reason: Reason


class PruneLedger(Request, frozen=True):
    """Up to where the ledger's oldest entries go: exactly one of an index and an instant."""

    before_index: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    before: Instant | None = None
    dry_run: bool = False


class Talk(Request, frozen=True):
    """One call of an operator's. ``request`` is the body that an application would send to chat/completions."""

    service: Name
    request: dict[str, object]
    target: Name | None = None  # the one that may answer; without it the service's order counts
    data_class: DataClassName | None = None  # it can only raise what the service says
