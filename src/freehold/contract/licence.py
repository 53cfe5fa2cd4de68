# SPDX-License-Identifier: Apache-2.0
"""What is known of the licences of models, as the vault is handed it. Facts, each with its source and its day."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceTerms:
    """One licence that is not free of conditions. Text that nobody established is empty."""

    name: str  # a word of the register's own, such as "gemma"
    title: str
    known_as: tuple[str, ...] = ()  # what model hubs and files call it, in small letters
    marks: tuple[str, ...] = ()  # words that only its text has, in small letters and single spaces
    remote_restriction: bool | None = None  # whether it lets the licensor restrict use remotely; None: not established
    excluded: tuple[str, ...] = ()  # the states in which it grants nothing
    excluded_whom: str = ""  # to whom of them, in its own terms
    cap: str = ""  # above how much revenue, or how many users, it grants nothing
    limit: str = ""  # what else it asks
    source: str
    as_of: str  # YYYY-MM-DD


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryLicence:
    """The licence of one repository, read at certain revisions. Without revisions it was read at no particular one."""

    repository: str
    revisions: tuple[str, ...]
    licence: str  # SPDX, or the name of its terms
    source: str
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceBook:
    """All that is known of licences, and where the operator is. An empty one knows none."""

    terms: tuple[LicenceTerms, ...] = ()
    repositories: tuple[RepositoryLicence, ...] = ()
    region: str = ""  # the operator's state, ISO 3166-1 alpha-2; empty: the estate does not say


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOrigin:
    """Who publishes a model, and which of its versions it is. Empty where it came as a file."""

    repository: str = ""
    revision: str = ""
