# SPDX-License-Identifier: Apache-2.0
"""What a text says that leads to a person: addresses, numbers of accounts and cards, telephones, numbers of states.

Pure. Each looks for a shape, and then asks a library whether a number of that shape can exist: a detector that fires on
every number is of no use. It knows neither names nor faces, nor what a person says of another.
"""

import unicodedata
from typing import Final

from freehold.policy.detect.addresses import has_email, has_ip_address
from freehold.policy.detect.national import has_national_id
from freehold.policy.detect.numbers import has_card, has_iban, runs_of_digits
from freehold.policy.detect.phones import has_phone

_INVISIBLE: Final = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"


def kind_in(text: str) -> str:
    """The kind that was found first; empty: none. The cheap ones are looked for first."""
    text = _plain(text)
    runs = runs_of_digits(text)
    if has_email(text):
        return "email"
    if has_iban(text):
        return "iban"
    if has_card(runs):
        return "card"
    if has_national_id(text, runs):
        return "national-id"
    if has_phone(text, runs):
        return "phone"
    return "ip-address" if has_ip_address(text) else ""


def _plain(text: str) -> str:
    """Digits, spaces and dashes as a keyboard has them, however a word processor wrote them."""
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text)
    for character in _INVISIBLE:
        text = text.replace(character, "")
    for character in _DASHES:
        text = text.replace(character, "-")
    return text
