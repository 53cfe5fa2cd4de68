# SPDX-License-Identifier: Apache-2.0
"""Words that reports have in common."""


def counted(number: int, what: str, many: str = "") -> str:
    """``1 question``, ``2 questions``; ``many`` where that is not made with an s."""
    return f"{number} {what}" if number == 1 else f"{number} {many or what + 's'}"


def calls_with_share(calls: int | None, share_pct: float | None) -> str:
    """Calls on record, and their share of all; a comma between them would read as a decimal one."""
    if calls is None:
        return "no ledger"
    return f"{calls}" if share_pct is None else f"{calls} ({share_pct:g} %)"
