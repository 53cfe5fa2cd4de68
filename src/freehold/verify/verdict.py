# SPDX-License-Identifier: Apache-2.0
"""What was proved and what was not, in plain words or as JSON. A verdict that only says yes would be half of one."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from freehold.contract.printing import printable
from freehold.errors import FreeholdError
from freehold.ledger.check.trust import TrustedCheckpoint, TrustPolicy

NOT_THE_WORLD = "that what the estate wrote is true: only that it stands there, and is not changed unseen"


@dataclass(slots=True, kw_only=True)
class Verdict:
    """Something holds. ``asserted``: what it carries that somebody merely says. ``facts`` are for programs."""

    proved: list[str] = field(default_factory=list)
    asserted: list[str] = field(default_factory=list)
    not_proved: list[str] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)


def add_head(verdict: Verdict, trusted: TrustedCheckpoint, policy: TrustPolicy) -> None:
    """What a checkpoint proves under the policy, and what it does not."""
    head = trusted.checkpoint
    verdict.proved.append(
        f"the log {head.origin} has signed a tree of {head.size} entries with root {head.root.hex()}"
        f" (key {trusted.log_key})"
    )
    if policy.asks_witnesses:
        cosigned = ", ".join(f"{mark.witness} at {_instant(mark.at_unix)}" for mark in trusted.cosignatures)
        verdict.proved.append(f"the witnesses saw the same tree, and none that contradicts it: {cosigned}")
    else:
        verdict.not_proved.append("that the log shows everybody the same history: no witness was asked for")


def head_facts(trusted: TrustedCheckpoint) -> dict[str, object]:
    head = trusted.checkpoint
    return {
        "origin": head.origin,
        "tree_size": head.size,
        "root": head.root.hex(),
        "log_key": trusted.log_key,
        "cosignatures": [
            {"witness": mark.witness, "key": mark.key, "at": _instant(mark.at_unix)} for mark in trusted.cosignatures
        ],
    }


def tell(subject: str, verdict: Verdict, *, as_json: bool) -> None:
    """Something holds."""
    if as_json:
        said = {"asserted": verdict.asserted} if verdict.asserted else {}
        told = {"holds": True, "proved": verdict.proved, **said, "not_proved": verdict.not_proved, **verdict.facts}
        _say_json(subject, told)
        return
    _say(f"The {subject} holds.")
    _say_list("Proved:", verdict.proved)
    _say_list("Asserted:", verdict.asserted)
    _say_list("Not proved:", verdict.not_proved)


def tell_problem(subject: str, problem: FreeholdError, *, disproved: bool, as_json: bool) -> None:
    """It does not hold, or that cannot be told."""
    if as_json:
        error = {"code": problem.code, "message": problem.message, "hint": problem.advice}
        _say_json(subject, {"holds": False if disproved else None, "error": error})
        return
    if disproved:
        _say(f"The {subject} does NOT hold.")
    else:
        _say(f"The {subject} cannot be checked.")
    sys.stderr.write(f"freehold-verify: {printable(problem.message)}\n")
    if problem.advice:
        sys.stderr.write(f"  {printable(problem.advice)}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{printable(line)}\n")


def _say_list(heading: str, lines: Sequence[str]) -> None:
    if lines:
        _say("")
        _say(heading)
        for line in lines:
            _say(f"  - {line}")


def _say_json(subject: str, told: Mapping[str, object]) -> None:
    sys.stdout.write(f"{json.dumps({subject: told}, indent=2)}\n")


def _instant(at_unix: int) -> str:
    try:
        return f"{datetime.fromtimestamp(at_unix, tz=UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):  # a cosigner may say any 63 bits
        return f"{at_unix} s after 1970"
