# SPDX-License-Identifier: Apache-2.0
"""A TrueType font as far as setting text needs it: which glyph a letter has, and how wide it is. Shapes nothing.

Table names and offsets are those of the OpenType specification 1.9. The fonts are ours, and are read without suspicion.
"""

import struct
import unicodedata
from functools import cache
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_EM: Final = 1000  # units of a PDF's glyph space
_SPELT: Final = str.maketrans(
    {
        "\N{RIGHTWARDS ARROW}": "->",
        "\N{LEFTWARDS ARROW}": "<-",
        "\N{LESS-THAN OR EQUAL TO}": "<=",
        "\N{GREATER-THAN OR EQUAL TO}": ">=",
        "\N{MINUS SIGN}": "-",
        "\N{NO-BREAK SPACE}": " ",
        "\t": " ",
    }
)


class Font:
    """One face. Lengths are in thousandths of the size at which it is set."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.data = path.read_bytes()
        self._tables = _tables(self.data)
        self._units = self._number("head", 18)
        self._glyphs = self._characters()
        self._widths = self._advances()
        self.ascent = self._scaled(self._number("hhea", 4))
        self.descent = self._scaled(self._number("hhea", 6, signed=True))
        self.cap_height = self._scaled(self._number("OS/2", 88))
        self.box = tuple(self._scaled(self._number("head", at, signed=True)) for at in (36, 38, 40, 42))

    def has(self, character: str) -> bool:
        return ord(character) in self._glyphs

    def glyph(self, character: str) -> int:
        """Of a character that it has."""
        return self._glyphs[ord(character)]

    def width(self, text: str) -> int:
        """Of a text that ``spelt`` made."""
        return sum(self._widths[self._glyphs[ord(character)]] for character in text)

    def glyph_width(self, glyph: int) -> int:
        return self._widths[glyph]

    def _characters(self) -> dict[int, int]:
        """cmap, format 4: glyphs by code point."""
        start = self._tables["cmap"]
        count = self._number("cmap", 2)
        records = [struct.unpack_from(">HHI", self.data, start + 4 + 8 * number) for number in range(count)]
        at = start + next(offset for platform, kind, offset in records if (platform, kind) == (3, 1))
        segments = struct.unpack_from(">H", self.data, at + 6)[0] // 2
        row = struct.Struct(f">{segments}H")
        ends = row.unpack_from(self.data, at + 14)
        starts, deltas, offsets = (row.unpack_from(self.data, at + 16 + 2 * segments * number) for number in (1, 2, 3))
        base = at + 16 + 6 * segments
        found = {}
        for number, (first, last) in enumerate(zip(starts, ends, strict=True)):
            for code in range(first, min(last, 0xFFFE) + 1):
                glyph = code
                if offsets[number]:
                    place = base + 2 * number + offsets[number] + 2 * (code - first)
                    glyph = struct.unpack_from(">H", self.data, place)[0]
                if glyph or not offsets[number]:
                    found[code] = (glyph + deltas[number]) & 0xFFFF
        return found

    def _advances(self) -> list[int]:
        """hmtx: every glyph's width; the last one goes for all that follow it."""
        glyphs, measured = self._number("maxp", 4), self._number("hhea", 34)
        at = self._tables["hmtx"]
        widths = [self._scaled(struct.unpack_from(">H", self.data, at + 4 * glyph)[0]) for glyph in range(measured)]
        return widths + widths[-1:] * (glyphs - measured)

    def _number(self, table: str, at: int, *, signed: bool = False) -> int:
        return int(struct.unpack_from(">h" if signed else ">H", self.data, self._tables[table] + at)[0])

    def _scaled(self, units: int) -> int:
        return round(units * _EM / self._units)


@cache
def regular() -> Font:
    return Font(_FOLDER / "NotoSans-Regular.ttf")


@cache
def bold() -> Font:
    return Font(_FOLDER / "NotoSans-Bold.ttf")


def spelt(text: str) -> str:
    """The text in characters that the fonts have; what they lack is named by its code point."""
    plain = unicodedata.normalize("NFC", text).translate(_SPELT)
    return "".join(one if regular().has(one) else f"[U+{ord(one):04X}]" for one in plain)


def _tables(data: bytes) -> dict[str, int]:
    count = struct.unpack_from(">H", data, 4)[0]
    rows = (struct.unpack_from(">4sIII", data, 12 + 16 * number) for number in range(count))
    return {tag.decode("ascii"): offset for tag, _, offset, _ in rows}
