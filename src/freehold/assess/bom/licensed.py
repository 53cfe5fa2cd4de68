# SPDX-License-Identifier: Apache-2.0
"""Licences in the words of the format: an SPDX identifier, an SPDX expression, or a name that somebody gave. Pure."""

import re
from typing import Any, Final

_EXPRESSION: Final = re.compile(r"\b(AND|OR|WITH)\b|[()]")
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+-]*")
_KNOWN: Final = frozenset(
    {
        *("0BSD", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
        *("CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-SA-4.0", "CC0-1.0", "EPL-2.0", "EUPL-1.2"),
        *("GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC", "LGPL-2.1-only"),
        *("LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"),
        *("Python-2.0", "Unlicense", "Zlib"),
    }
)


def licences_of(said: str, *, text_digest: str = "") -> list[dict[str, Any]]:
    """Empty where nothing was said and no text came with it."""
    if said in _KNOWN:
        return [{"license": {"id": said}}]
    if said and _EXPRESSION.search(said) and _is_expression(said):
        return [{"expression": said}]
    if said or text_digest:
        return [{"license": {"name": said or f"the text that came with it, {text_digest}"}}]
    return []


def _is_expression(said: str) -> bool:
    words = [word for word in re.split(r"[\s()]+", said) if word and word not in ("AND", "OR", "WITH")]
    return all(word in _KNOWN for word in words if _IDENTIFIER.fullmatch(word)) and bool(words)
