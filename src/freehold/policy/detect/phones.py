# SPDX-License-Identifier: Apache-2.0
"""Telephone numbers, of every country where the country is said, and of Europe's where it is not. Pure.

A number without its country counts where a word such as "phone" stands before it, or where it is grouped as only
telephone numbers are: behind a zero.
"""

import re
from typing import Final

from phonenumbers import Leniency, NumberParseException, PhoneNumberMatcher, is_valid_number, parse

from freehold.policy.detect.numbers import Run, within

_EUROPE: Final = (
    *("DE", "FR", "IT", "ES", "NL", "PL", "BE", "AT", "SE", "PT", "CZ", "GR", "RO", "HU", "DK", "FI"),
    *("NO", "IE", "CH", "GB", "SK", "HR", "BG", "LT", "SI", "LV", "EE", "LU", "CY", "MT", "IS", "LI"),
)
_LONGEST: Final = 32
_LEAST_DIGITS: Final = 9  # 0800-1500 is a time of day

_PLUS: Final = re.compile(r"\+(?<![\d+]\+)\(?[1-9](?:[ ./()-]{0,3}\d){6,16}")
_ZEROS: Final = re.compile(r"00(?<![\w.,-]00)(?<!\d 00)[34](?:[ ./()-]{0,3}\d){6,16}")
_WORDS: Final = (
    *("tel", "tél", "tlf", "fax", "gsm", "mob", "cell"),
    *("handy", "portable", "whatsapp", "rufnummer"),
)
_STEMS: Final = (
    *("phone", "teleph", "téléph", "telef", "teléf", "mobil", "móvil"),
    *("movil", "cellul", "handyn", "puhelin", "matkapuhelin", "τηλ", "κιν"),
)
_AFTER_WORD: Final = re.compile(
    rf"(?<![^\W_])(?:(?:{'|'.join(_WORDS)})(?![^\W\d_])|(?:{'|'.join(_STEMS)})[^\W\d]{{0,12}})[^\d\n+]{{0,24}}\Z",
    re.IGNORECASE,
)
_FAR: Final = 40
_PLAIN: Final = re.compile(r"\d(?:[ ./()-]{0,3}\d){6,13}(?!\w|[.,]\d)")
_GROUPED: Final = re.compile(
    r"(?<![\w.,/-])(?<!\d )(?=("
    r"0[1-9]([ .-])\d\d(?:\2\d\d){3}(?!\2\d\d(?!\d))"  # 01 42 68 53 00, and not one row of bytes
    r"|06[ -]\d{8}"
    r"|\(0\d{1,4}\) ?\d{2,8}(?:[ -]\d{2,8}){0,3}"
    r"|(?!0\d{4}-\d{4}\b|0\d{3}(?: \d{4})+\b)0\d{2,4}(?: ?[/-] ?| )\d{3,8}(?:[ -]\d{2,6}){0,3}"  # no ZIP code
    r")(?!\w|[.,:/-]\d))"
)


def has_phone(text: str, runs: tuple[Run, ...]) -> bool:
    """``runs`` are the places of the text where digits are."""
    if not runs:
        return False
    said = text.casefold()
    return (
        any(_is_international(text, match.start()) for shape in (_PLUS, _ZEROS) for match in shape.finditer(text))
        or any(_is_grouped(match[1]) for run in runs for match in within(run, _GROUPED))
        or (any(word in said for word in (*_WORDS, *_STEMS)) and any(_follows_a_word(run) for run in runs))
    )


def _is_international(text: str, begin: int) -> bool:
    """Where it ends is the library's to say: more digits may stand behind it."""
    written = re.sub(r"\A00", "+", text[begin : begin + _LONGEST])
    return PhoneNumberMatcher(written, None, leniency=Leniency.VALID).has_next()


def _is_grouped(written: str) -> bool:
    return sum(map(str.isdigit, written)) >= _LEAST_DIGITS and _is_european(written)


def _follows_a_word(run: Run) -> bool:
    written = _PLAIN.match(run.string, run.start())
    if written is None or not _AFTER_WORD.search(run.string, max(0, run.start() - _FAR), run.start()):
        return False
    return _is_european(written[0])


def _is_european(written: str) -> bool:
    for country in _EUROPE:
        try:
            if is_valid_number(parse(written, country)):
                return True
        except NumberParseException:
            return False  # it is none anywhere
    return False
