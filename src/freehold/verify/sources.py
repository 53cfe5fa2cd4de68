# SPDX-License-Identifier: Apache-2.0
"""What the verifier names on the command line: files, and whom to trust. Refuses what is larger than such a file is."""

import os
import sys
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

from freehold.errors import EstateError, TrustInvalid, VerificationFailed
from freehold.ledger.check.trust import TrustPolicy, parse_policy, trust_log

STDIN = "-"
_MAX_PROOF_BYTES = 1 << 24  # receipts, checkpoints, proofs, policies, keys
_MAX_CONTENT_BYTES = 1 << 30  # requests and answers


def read_file(name: str, *, limit_bytes: int = _MAX_PROOF_BYTES) -> bytes:
    """A file's content, or standard input for ``-``. Raises EstateError."""
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(limit_bytes + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(limit_bytes + 1)
    except OSError as exc:
        raise EstateError(f"{name} cannot be read", hint="Check the path.") from exc
    if len(data) > limit_bytes:
        raise EstateError(f"{name} has more than {limit_bytes} bytes", hint="Name the file that is meant.")
    return data


def read_content(name: str) -> bytes:
    """A request or an answer. Raises EstateError."""
    return read_file(name, limit_bytes=_MAX_CONTENT_BYTES)


def read_text(name: str) -> str:
    """A file that must be text. Raises EstateError, VerificationFailed."""
    try:
        return read_file(name).decode()
    except UnicodeDecodeError as exc:
        raise VerificationFailed(f"{name} is not UTF-8") from exc


def chosen_trust(asked: Namespace) -> TrustPolicy:
    """Whom the verifier trusts. Raises TrustInvalid, EstateError."""
    if asked.policy is None and asked.vkey is None:
        raise TrustInvalid(
            "nobody is trusted yet",
            hint="Give --policy FILE, or the log's key with --vkey FILE; get them by a way that you trust.",
        )
    if asked.policy is None:
        return trust_log(_vkey(asked.vkey))
    policy = parse_policy(read_file(asked.policy))
    if asked.vkey is None:
        if not policy.logs:
            raise TrustInvalid(f"{asked.policy} names no log", hint="Give the log's key as well: --vkey FILE.")
        return policy
    if policy.logs:
        raise TrustInvalid(f"{asked.policy} names its logs itself", hint="Leave out --vkey.")
    return replace(policy, logs=trust_log(_vkey(asked.vkey)).logs)


def _vkey(given: str) -> str:
    """A verifier key, or what a file of that name holds."""
    if given.count("+") >= 2 and not os.path.lexists(given):
        return given
    try:
        return read_file(given).decode().strip()
    except UnicodeDecodeError as exc:
        raise TrustInvalid(f"{given} holds no verifier key") from exc
