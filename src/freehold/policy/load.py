# SPDX-License-Identifier: Apache-2.0
"""The law of an estate from its files: the set that it chose, its own rules, the facts. Whole and valid, or not at all.

Used by the control process and by commands. Gateways get the law with the snapshot, and read no file.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path

import cedarpy

from freehold.contract.estate import Estate
from freehold.contract.facts import BackendFacts
from freehold.contract.law import Law, RuleFile
from freehold.errors import PolicyInvalid
from freehold.policy.cedar import read_rules
from freehold.policy.facts import (
    Register,
    adequacy_in_force,
    backend_facts,
    facts_digest,
    load_register,
    members_of,
    owned_facts,
)
from freehold.policy.facts.states import STATES
from freehold.policy.text import Groups, Piece, filled, pieces
from freehold.policy.unknown import nothing_known

OWN = "self"  # the operator of an estate's own engines

_HERE = resources.files("freehold.policy")
_MOST_BYTES = 2**20  # of one file of rules
_FINDING = re.compile(r"^for policy `[^`]*`, ")
_QUOTED = re.compile(r"`([A-Za-z_]\w*)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What was read of an estate's files. The law that it makes may be another on another day."""

    set: str
    files: tuple[RuleFile, ...]  # with their placeholders
    register: Register


def read_sources(estate: Estate, set_name: str) -> Sources:
    """The files of the set and of the estate, and the facts. Raises PolicyInvalid, and SettingsError for the facts."""
    files = (*shipped(set_name), *own_files(estate.policies))
    return Sources(set=set_name, files=files, register=load_register(estate.facts))


def law_of(sources: Sources, *, operators: Iterable[str] = (), now_unix: float) -> Law:
    """The law of a day, with what is known of the operators. Raises PolicyInvalid naming every file and line."""
    register, today = sources.register, day_of(now_unix)
    groups = groups_of(register, today)
    files = tuple(filled(file, groups) for file in sources.files)
    check(files)
    return Law(
        set=sources.set,
        files=files,
        policy_digest=rules_digest(files),
        facts=tuple(facts_of(register, operator, today) for operator in sorted({OWN, *operators})),
        facts_digest=facts_digest(register),
        states=tuple(sorted(STATES)),
    )


def shipped(set_name: str) -> list[RuleFile]:
    """The files of a set that comes with this release, under the names that errors and explanations give them."""
    names = ("sets/always.cedar", f"sets/{set_name}.cedar")
    return [RuleFile(name=name, text=(_HERE / name).read_text("utf-8")) for name in names]


def own_files(folder: Path) -> list[RuleFile]:
    """The estate's own rules, by name. Raises PolicyInvalid, also for what looks like rules and would not be read."""
    paths = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
    for path in paths:
        if path.suffix != ".cedar" and ".cedar" in path.name.lower() and not path.name.endswith("~"):
            raise PolicyInvalid(f"policies/{path.name}: is not read, because its name does not end in .cedar")
    return [RuleFile(name=f"policies/{path.name}", text=_text_of(path)) for path in paths if path.suffix == ".cedar"]


def groups_of(register: Register, today: date) -> Groups:
    """What placeholders stand for. A decision that is limited to some organisations makes no state adequate."""
    adequate = [state for state, decision in adequacy_in_force(register, today).items() if not decision.limit]
    return {
        "EU": sorted(members_of(register, "EU")),
        "EEA": sorted(members_of(register, "EEA")),
        "ADEQUATE": sorted(adequate),
    }


def facts_of(register: Register, operator: str, today: date) -> BackendFacts:
    """What is known of an operator; of one that is not in the register, nothing."""
    if operator == OWN:
        return owned_facts()
    if operator not in register.providers:
        return nothing_known(operator)
    return backend_facts(register, operator, today=today)


def day_of(now_unix: float) -> date:
    """The day in UTC. Decisions, mergers and the like change with it."""
    return datetime.fromtimestamp(now_unix, UTC).date()


def rules_digest(files: Iterable[RuleFile]) -> str:
    """SHA-256 over the schema and every file, names and lengths among it: another rule, another digest."""
    digest = hashlib.sha256(schema_text().encode())
    for file in files:
        text = file.text.encode()
        digest.update(f"\n{file.name}\n{len(text)}\n".encode() + text)
    return f"sha256:{digest.hexdigest()}"


def schema_text() -> str:
    """What rules may speak of, in Cedar's words."""
    return (_HERE / "schema.cedarschema").read_text("utf-8")


def check(files: Iterable[RuleFile]) -> None:
    """Every rule against the schema, strictly. Raises PolicyInvalid naming every file and line that is wrong."""
    files = tuple(files)
    schema = cedarpy.Schema.from_str(schema_text())
    findings = [finding for file in files for finding in _findings(file, schema)]
    if findings:
        raise PolicyInvalid("\n".join(findings))
    read_rules(files)


def _findings(file: RuleFile, schema: cedarpy.Schema) -> Iterator[str]:
    for piece in pieces(file):
        for error in cedarpy.validate_policies(piece.text, schema).errors:
            what = _FINDING.sub("", " ".join(error.error.split()))
            yield f"{file.name}, line {_line(piece, what)}: {what.replace('`', chr(39))}"


def _line(piece: Piece, what: str) -> int:
    """The line of the first thing that the finding quotes, else that on which the rule begins."""
    for word in _QUOTED.findall(what):
        for number, line in enumerate(piece.text.splitlines(), start=piece.line):
            if re.search(rf"\b{word}\b", line):
                return number
    return piece.line


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise PolicyInvalid(f"policies/{path.name}: is larger than {_MOST_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise PolicyInvalid(f"policies/{path.name}: cannot be read as UTF-8 text") from exc
