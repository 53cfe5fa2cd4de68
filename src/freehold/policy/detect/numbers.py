# SPDX-License-Identifier: Apache-2.0
"""Numbers of bank accounts and of payment cards, by their shape, their issuer and their check digits. Pure.

Here and beside, a pattern that looks through a whole text begins with what is rare in it, a digit or a sign, and looks
at what stands before it afterwards: that is several times as quick.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from stdnum import iban, luhn, numdb

Run = re.Match[str]

_RUN: Final = re.compile(r"[0-9](?<!\w[0-9])(?<!\w-[0-9])(?:[ ./()-]{0,3}[0-9]){5,}")
_TAIL: Final = 4  # letters may end a number
_IBAN: Final = re.compile(r"[0-9]{2}(?<=[A-Za-z]{2}[0-9]{2})(?<![A-Za-z0-9][A-Za-z]{2}[0-9]{2})[ -]?[A-Za-z0-9]{4}")
_PARTS: Final = re.compile(r"(\d+)!")
_CARD: Final = re.compile(
    r"(?<![\w.,])(?=(\d{14,19}|\d{4}([ -])\d{4}\2\d{4}\2\d{4}(?:\2\d{1,3})?|\d{4}([ -])\d{6}\3\d{4,5})(?![\w]|[.,-]\d))"
)
_ISSUERS: Final = re.compile(
    r"4\d{15}"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|(?:50\d\d|5[678]\d\d|6304|6759|676[1-3])\d{12,15}"  # Maestro
)


def runs_of_digits(text: str) -> tuple[Run, ...]:
    """The places where six digits or more stand together, however they are grouped."""
    return tuple(_RUN.finditer(text))


def has_card(runs: Iterable[Run]) -> bool:
    return any(_is_card(re.sub(r"\D", "", match[1])) for run in runs for match in within(run, _CARD))


def has_iban(text: str) -> bool:
    return any(_is_iban(text, match.start() - 2) for match in _IBAN.finditer(text))


def within(run: Run, shape: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """Where the shape is in the run, and in a bracket before it; what stands around it is seen, too."""
    return shape.finditer(run.string, max(0, run.start() - 1), run.end() + _TAIL)


def _is_card(digits: str) -> bool:
    return _ISSUERS.fullmatch(digits) is not None and luhn.is_valid(digits)


def _is_iban(text: str, begin: int) -> bool:
    """Words may stand behind it; so it ends where its country has it end."""
    shape = _shape_of_iban(text[begin : begin + 2].upper())
    written = shape.match(text, begin) if shape else None
    return written is not None and bool(iban.is_valid(written[0], check_country=False))


@cache
def _shape_of_iban(country: str) -> re.Pattern[str] | None:
    """As many letters and digits as it has there. None: that is no country, or has no such numbers."""
    structure = numdb.get("iban").info(country)[0][1].get("bban", "")
    length = 4 + sum(int(part) for part in _PARTS.findall(structure))
    return re.compile(rf"(?:[ -]?[A-Za-z0-9]){{{length}}}(?![A-Za-z0-9])") if structure else None
