# SPDX-License-Identifier: Apache-2.0
"""freehold-verify: the standard library, ``cryptography``, and whom the verifier chose to trust. Writes to no file.

Exits with 0 if what was given holds, with 1 if it does not, with 2 if it cannot be checked.
"""

import argparse
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from io import StringIO, TextIOWrapper

from freehold import __version__
from freehold.contract.printing import outlive_readers
from freehold.errors import FreeholdError, VerificationFailed
from freehold.verify import checkpoint, consistency, log, pack, receipt
from freehold.verify.verdict import Verdict, tell, tell_problem

HOLDS, DOES_NOT_HOLD, CANNOT_BE_CHECKED = 0, 1, 2
_SUBJECTS = {"receipt": receipt, "checkpoint": checkpoint, "consistency": consistency, "log": log, "pack": pack}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. It says what was found, whether or not somebody reads on to the end."""
    asked = parser().parse_args(arguments)
    try:
        verdict: Verdict = _SUBJECTS[asked.subject].verify(asked)
    except FreeholdError as problem:
        disproved = isinstance(problem, VerificationFailed)
        told = partial(tell_problem, asked.subject, problem, disproved=disproved, as_json=asked.json)
        return _once_told(told, DOES_NOT_HOLD if disproved else CANNOT_BE_CHECKED)
    return _once_told(partial(tell, asked.subject, verdict, as_json=asked.json), HOLDS)


def run() -> None:
    """The command. A fault of its own must not look like one of what it checks: Python would exit with 1."""
    sys.stdout = sys.stdout or StringIO()  # whoever started this may have closed it
    outlive_readers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may lack the letters of a name
    try:
        code = main()
    except Exception:  # noqa: BLE001 - the top of the program
        traceback.print_exc()
        sys.stderr.write("freehold-verify: this is a bug of freehold-verify; nothing was found out\n")
        code = CANNOT_BE_CHECKED
    sys.exit(code)


def _once_told(told: Callable[[], None], code: int) -> int:
    try:
        told()
        sys.stdout.flush()
    except OSError as problem:
        with suppress(OSError):  # standard error may be on the same full disk
            sys.stderr.write(f"freehold-verify: what was found cannot be written: {problem.strerror}\n")
        return CANNOT_BE_CHECKED
    return code


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
