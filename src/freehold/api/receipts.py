# SPDX-License-Identifier: Apache-2.0
"""Receipts over the API: which one is asked for, in which form. Whose it is, the ledger knows; it makes them, too."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from freehold.api.doors import RECEIPTS
from freehold.contract.record import LedgerPosition
from freehold.errors import InvalidRequest, UnknownReceipt
from freehold.ledger.interface import ReceiptForm

_TYPES: Mapping[ReceiptForm, str] = {"json": "application/json", "tlog-proof": "text/plain; charset=utf-8"}
_MOST_DIGITS = 19


@dataclass(frozen=True, slots=True)
class ReceiptAsked:
    """One entry, as Freehold-Receipt named it, and how it is wanted."""

    position: LedgerPosition
    form: ReceiptForm

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Of the answer: it may hold a salt, so nobody on the way is to keep it."""
        return [("content-type", _TYPES[self.form]), ("cache-control", "no-store"), ("vary", "accept")]


def read_path(path: str, query: str, accept: str) -> ReceiptAsked:
    """What ``/freehold/receipts/ORIGIN/INDEX`` asks for. Raises UnknownReceipt, InvalidRequest."""
    origin, _, index = path.removeprefix(RECEIPTS).rpartition("/")
    if not origin or not index.isdecimal() or not index.isascii() or len(index) > _MOST_DIGITS:
        raise UnknownReceipt("there is no such receipt for this key")
    return ReceiptAsked(LedgerPosition(origin=origin, index=int(index)), _form(query, accept))


def _form(query: str, accept: str) -> ReceiptForm:
    """What ``?format=`` says, else the type that the caller would rather have: JSON, unless only text will do."""
    asked = dict(parse_qsl(query, keep_blank_values=True)).get("format")
    if asked is None:
        types = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
        return "tlog-proof" if "text/plain" in types and not types & {"application/json", "*/*"} else "json"
    if asked == "json":
        return "json"
    if asked == "tlog-proof":
        return "tlog-proof"
    raise InvalidRequest("format is json or tlog-proof", param="format")
