# SPDX-License-Identifier: Apache-2.0
"""The numbers by which European states know a person. Pure.

A number counts by itself where its shape, its check digits and the date in it leave less than one random number in a
hundred. The others count where their own name is said anywhere in the text: one 9-digit number in eleven could be that
of somebody in the Netherlands.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from stdnum.at import vnr
from stdnum.be import nn
from stdnum.bg import egn
from stdnum.ch import ssn
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.dk import cpr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gb import nhs
from stdnum.gr import amka
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.is_ import kennitala
from stdnum.it import codicefiscale
from stdnum.lt import asmens
from stdnum.lv import pvn
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import cc
from stdnum.ro import cnp
from stdnum.se import personnummer
from stdnum.si import emso

from freehold.policy.detect.numbers import Run, within


@dataclass(frozen=True, slots=True)
class _Number:
    """How a state's numbers are written, and which of those that are written so can exist."""

    written: str
    shape: re.Pattern[str]
    can_exist: Callable[[str], bool]


def _number(written: str, can_exist: Callable[..., bool]) -> _Number:
    """The shape may begin anywhere, also where another number was thought to begin; nothing may adjoin it."""
    return _Number(written, _standing_alone(written), can_exist)


def _standing_alone(written: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.,])(?=({written})(?!\w|[.,-]\d))")


_CODICE_FISCALE: Final = re.compile(r"[0-9]{2}(?<=[A-Za-z ][0-9]{2})[A-Za-z][0-9]{2} ?[A-Za-z][0-9]{3}[A-Za-z](?!\w)")
_BEFORE_ITS_DIGITS: Final = re.compile(r"(?<!\w)[A-Za-z]{3} ?[A-Za-z]{3} ?\Z")
_NIE: Final = re.compile(r"[XYZ](?<!\w[XYZ])[ -]?[0-9]{7}[ -]?[A-Z](?!\w)")
_BY_THEMSELVES: Final = (
    _number(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?(?:\d\d|2[ABab]) ?\d{3} ?\d{3} ?\d\d", nir.is_valid),  # FR
    _number(r"(?:\d{8}|\d\d\.\d{3}\.\d{3})-?[A-Z]", lambda written: dni.is_valid(written.replace(".", ""))),  # ES
    _number(r"\d{6}[-+ABCDEFYXWVU]\d{3}[0-9A-Z]", hetu.is_valid),  # FI
    _number(r"\d{8} ?\d ?[A-Z]{2}\d", cc.is_valid),  # PT
    _number(r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d", ssn.is_valid),  # CH
    _number(r"(?:19|20)?\d{6}[-+]\d{4}", personnummer.is_valid),  # SE
    _number(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", nn.is_valid),  # BE
    _number(r"\d{6}/\d{4}", rc.is_valid),  # CZ, SK
)
_BY_NAME: Final = (
    (
        ("steuer-id", "steuerid", "idnr", "identifikationsnummer", "steuernummer", "tax_id", "tax id"),
        _number(r"\d\d ?\d{3} ?\d{3} ?\d{3}", idnr.is_valid),  # DE
    ),
    (
        ("bsn", "burgerservicenummer", "sofinummer"),
        _number(r"\d{9}|\d{4}\.\d\d\.\d{3}|\d{3} \d{3} \d{3}", bsn.is_valid),
    ),
    (("dni", "nif"), _number(r"\d{8} ?[A-Za-z]", dni.is_valid)),
    (("pesel",), _number(r"\d{11}", pesel.is_valid)),
    (("cpr", "personnummer"), _number(r"\d{6}[- ]?\d{4}", cpr.is_valid)),  # DK
    (("personnummer",), _number(r"(?:19|20)?\d{10}", personnummer.is_valid)),  # SE
    (("kennitala",), _number(r"\d{6}[- ]?\d{4}", kennitala.is_valid)),  # IS
    (("fødselsnummer", "fodselsnummer", "personnummer"), _number(r"\d{6} ?\d{5}", fodselsnummer.is_valid)),  # NO
    (("rijksregisternummer", "registre national", "niss", "insz"), _number(r"\d{11}", nn.is_valid)),  # BE
    (("svnr", "sozialversicherungsnummer", "versicherungsnummer"), _number(r"\d{4} ?\d{6}", vnr.is_valid)),  # AT
    (("rodné číslo", "rodne cislo", "rodného čísla", "rodnom čísle"), _number(r"\d{9,10}|\d{6}/\d{3}", rc.is_valid)),
    (("cnp", "cod numeric personal"), _number(r"\d{13}", cnp.is_valid)),  # RO
    (("oib", "osobni identifikacijski"), _number(r"\d{11}", oib.is_valid)),  # HR
    (("emšo", "emso", "jmbg"), _number(r"\d{13}", emso.is_valid)),  # SI
    (("егн", "egn"), _number(r"\d{10}", egn.is_valid)),  # BG
    (("αμκα", "amka"), _number(r"\d{11}", amka.is_valid)),  # GR
    (("pps", "ppsn"), _number(r"\d{7}[A-Wa-w][A-ITWa-itw]?", pps.is_valid)),  # IE
    (("isikukood",), _number(r"\d{11}", ik.is_valid)),  # EE
    (("asmens kodas",), _number(r"\d{11}", asmens.is_valid)),  # LT
    (("personas kods",), _number(r"\d{6}-?\d{5}", pvn.is_valid)),  # LV
    (("nhs",), _number(r"\d{3}[ -]?\d{3}[ -]?\d{4}", nhs.is_valid)),  # GB
)

_FEW_LETTERS: Final = 4
_ANY_SHAPE: Final = _standing_alone(
    "|".join(number.written for number in (*_BY_THEMSELVES, *(number for _, number in _BY_NAME)))
)


def has_national_id(text: str, runs: tuple[Run, ...]) -> bool:
    """``runs`` are the places of the text where digits are."""
    if _has_codice_fiscale(text) or any(nie.is_valid(match[0]) for match in _NIE.finditer(text)):
        return True
    shaped = [run for run in runs if next(within(run, _ANY_SHAPE), None)]
    if not shaped:
        return False
    said = text.casefold()
    by_name = [number for names, number in _BY_NAME if _is_said(names, said)]
    return any(
        number.can_exist(match[1])
        for number in (*_BY_THEMSELVES, *by_name)
        for run in shaped
        for match in within(run, number.shape)
    )


def _has_codice_fiscale(text: str) -> bool:
    for match in _CODICE_FISCALE.finditer(text):
        letters = _BEFORE_ITS_DIGITS.search(text, max(0, match.start() - 9), match.start())
        if letters is not None and codicefiscale.is_valid((letters[0] + match[0]).replace(" ", "")):
            return True
    return False


def _is_said(names: tuple[str, ...], said: str) -> bool:
    """A long name may be part of a longer word; letters as few as BSN stand in many."""
    return any(
        name in said
        and (len(name) > _FEW_LETTERS or re.search(rf"{name}(?<![^\W_]{name})(?![^\W\d_])", said) is not None)
        for name in names
    )
