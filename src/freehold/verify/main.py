# SPDX-License-Identifier: Apache-2.0
"""freehold-verify: the standard library, ``cryptography``, and whom the verifier chose to trust. Writes to no file.

Exits with 0 if what was given holds, with 1 if it does not, with 2 if it cannot be checked.
"""

import argparse
import sys
from collections.abc import Sequence

from freehold import __version__
from freehold.errors import FreeholdError, VerificationFailed
from freehold.verify import checkpoint, consistency, log, pack, receipt
from freehold.verify.verdict import Verdict, tell, tell_problem

HOLDS, DOES_NOT_HOLD, CANNOT_BE_CHECKED = 0, 1, 2
_SUBJECTS = {"receipt": receipt, "checkpoint": checkpoint, "consistency": consistency, "log": log, "pack": pack}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    asked = parser().parse_args(arguments)
    try:
        verdict: Verdict = _SUBJECTS[asked.subject].verify(asked)
    except FreeholdError as problem:
        disproved = isinstance(problem, VerificationFailed)
        tell_problem(asked.subject, problem, disproved=disproved, as_json=asked.json)
        return DOES_NOT_HOLD if disproved else CANNOT_BE_CHECKED
    tell(asked.subject, verdict, as_json=asked.json)
    return HOLDS


def run() -> None:
    """The command."""
    sys.exit(main())


def parser() -> argparse.ArgumentParser:
    whole = argparse.ArgumentParser(
        prog="freehold-verify",
        description="Check what an estate proves: offline, with public keys alone.",
        epilog="Exits with 0 if it holds, with 1 if it does not, with 2 if it cannot be checked.",
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"freehold-verify {__version__}")
    subjects = whole.add_subparsers(dest="subject", required=True, metavar="WHAT")
    for name, module in _SUBJECTS.items():
        summary = (module.__doc__ or "").splitlines()[0]
        subject = subjects.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        module.add_arguments(subject)
        trust = subject.add_argument_group("whom to trust (one of them, or both where the policy names no log)")
        trust.add_argument("--policy", metavar="FILE", help="a trust policy, as c2sp.org/tlog-policy has it")
        trust.add_argument("--vkey", metavar="FILE|VKEY", help="the log's verifier key; no witness is asked for")
        subject.add_argument("--json", action="store_true", help="print one JSON object")
    return whole


if __name__ == "__main__":
    run()
