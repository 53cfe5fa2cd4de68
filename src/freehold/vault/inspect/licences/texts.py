# SPDX-License-Identifier: Apache-2.0
"""The texts of the two licences that pass by themselves, by digest. A text that differs by a word is not that licence.

Compared are words and punctuation: spaces, the case of letters, forms of quotation marks, Markdown's marks and the
lines that name the owner may differ, as the matching guidelines of SPDX say. HTML is read without its tags.
"""

import hashlib
import html
import re

PASSING = ("Apache-2.0", "MIT")

_OWNER = re.compile(  # a line that names an owner, with a year or a sign, and says nothing about what may be done
    r"^(?!.*\b(?:not|only|must|may|shall|except|unless|commercial|terms|agree|permi\w*|restrict\w*|use[ds]?|you)\b)"
    r"[^\w\n]{0,8}copyright(?:[ \t]*(?:\(c\)|©)|[ \t,:]+(?:\d{4}|[\[{<]yyyy[\]}>])).{0,120}$"
    r"|^[^\w\n]{0,4}all rights reserved\.?$",
    re.MULTILINE,
)
_TITLE = re.compile(r"^\W*(?:the )?mit license(?: \(mit\))?\W*(?=permission is hereby granted)")
_TAG = re.compile(r"<[^<>]{0,2000}>")
_UNSEEN = (("<script", "</script>"), ("<style", "</style>"), ("<!--", "-->"))  # what a page has and does not show
_ALIKE = str.maketrans(
    {
        "\u2018": '"',
        "\u2019": '"',
        "\u201c": '"',
        "\u201d": '"',
        "'": '"',
        "\u2013": "-",
        "\u2014": "-",
        "{": "[",
        "}": "]",
    }
)
_MOST_OWNERS = 12
_DIGESTS = {
    "8eea9bc790cc3b4b527674e7b94b872ebbb334eecdfd3f9d8dfd740021be4d1c": "Apache-2.0",
    "95cef6332b35354c12f9d666ab9ff47002e6f7ef937924896882b2e0cdb7a0d6": "Apache-2.0",  # without the appendix
    "5b0cc88e22a82040428fa64c42868c1cadfcba123b56128368d55e85b5b5b16f": "Apache-2.0",  # nor the line that ends it
    "56959050891f7b737ac4e803051170c7197f02df73d80bd9a78d968e305bf558": "MIT",
}


def licence_of_text(text: str) -> str:
    """The SPDX identifier of a licence's text; empty if it is none of those that pass."""
    return _DIGESTS.get(normalised_digest(text), "")


def normalised_digest(text: str) -> str:
    """SHA-256 in hex over what of a licence's text has a meaning."""
    return hashlib.sha256(_without_title(plain(without_owners(text))).encode()).hexdigest()


def plain(text: str) -> str:
    """The words of a text: in small letters, one space between them, without the marks of HTML and Markdown."""
    words = _page(text) if _is_html(text) else text
    words = re.sub(r"[*_#`>=~-]{2,}|(?<!\w)[#>*`](?!\w)", " ", words.translate(_ALIKE))
    return " ".join(words.casefold().replace("https://", "http://").split())


def without_owners(text: str) -> str:
    """The text without the lines that say whose the work is; a dozen at most, so that terms cannot hide there."""
    return _OWNER.sub("", text.casefold(), count=_MOST_OWNERS)


def _without_title(text: str) -> str:
    return _TITLE.sub("", text)


def _page(text: str) -> str:
    """What a page of HTML shows."""
    for begin, end in _UNSEEN:
        shown, rest = [], text
        while begin in rest:
            before, _, rest = rest.partition(begin)
            shown.append(before)
            rest = rest.partition(end)[2]
        text = " ".join([*shown, rest])
    return html.unescape(_TAG.sub(" ", text))


def _is_html(text: str) -> bool:
    return re.search(r"<(?:!doctype html|html)\b", text[:4096], re.IGNORECASE) is not None
