# SPDX-License-Identifier: Apache-2.0
"""A PDF in the making: pages that are written on, and the structure by which software for the blind reads them.

ISO 32000-1: every text is marked content of an element of the structure tree, or an artifact (§14.8.2.2); fonts are
embedded and say which letter each glyph is (§9.10.3). It holds no script, no form, no link that leads out, and the same
words give the same bytes. It claims no conformance to PDF/A or PDF/UA: no validator has seen it.
"""

import hashlib
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

import pydyf

from freehold import __version__
from freehold.assess.evidence.pdf.font import Font, bold, regular
from freehold.assess.evidence.pdf.lines import Line

WIDTH: Final = 595.28  # A4, in points
HEIGHT: Final = 841.89
_FACES: Final = ("F0", "F1")
_BOLD_FLAGS, _FLAGS = (1 << 5) | (1 << 18), 1 << 5  # §9.8.2: not symbolic
Colour = tuple[float, float, float]


@dataclass(slots=True)
class Element:
    """A node of the structure tree: what a text is. ``kids``: elements, or marked content as page and number."""

    kind: str
    kids: "list[Element | tuple[int, int] | Spot]" = field(default_factory=list)
    attributes: str = ""

    def add(self, kind: str, attributes: str = "") -> "Element":
        inner = Element(kind, attributes=attributes)
        self.kids.append(inner)
        return inner


@dataclass(slots=True)
class Spot:
    """A place on a page that leads to another place."""

    page: int
    box: tuple[float, float, float, float]
    target: tuple[int, float]  # page, height
    says: str


@dataclass(slots=True)
class _Page:
    stream: Any
    marked: list[Element] = field(default_factory=list)
    spots: list[tuple[Spot, Element]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A heading in the outline. ``depth`` counts from 1."""

    title: str
    depth: int
    page: int
    height: float


class Paper:
    """One document."""

    def __init__(self, title: str, language: str) -> None:
        self.root = Element("Document")
        self.marks: list[Mark] = []
        self.pages: list[_Page] = []
        self._title = title
        self._language = language
        self._used: dict[str, set[str]] = {face: set() for face in _FACES}

    def new_page(self) -> int:
        """Its number, from 0."""
        self.pages.append(_Page(stream=pydyf.Stream(compress=True)))
        return len(self.pages) - 1

    def write(  # noqa: PLR0913 - where, what, how, and as what
        self, page: int, x: float, y: float, line: Line, *, size: float, colour: Colour, element: Element | None
    ) -> None:
        """One line of text with its baseline at ``y``; an artifact where it is of no element."""
        if not line:
            return
        here = self.pages[page]
        stream = here.stream
        if element is None:
            stream.begin_marked_content("Artifact")
        else:
            stream.begin_marked_content(element.kind, f"<</MCID {len(here.marked)}>>")
            element.kids.append((page, len(here.marked)))
            here.marked.append(element)
        stream.begin_text()
        stream.set_color_rgb(*colour)
        stream.move_text_to(x, y)
        for piece in line:
            face = _FACES[piece.font is bold()]
            self._used[face] |= set(piece.text)
            stream.set_font_size(face, size)
            codes = "".join(f"{piece.font.glyph(letter):04X}" for letter in piece.text)
            stream.stream.append(f"<{codes}> Tj")
        stream.end_text()
        stream.end_marked_content()

    def fill(self, page: int, box: tuple[float, float, float, float], colour: Colour) -> None:
        """A rectangle: x, y, width, height. It says nothing."""
        stream = self.pages[page].stream
        stream.begin_marked_content("Artifact")
        stream.set_color_rgb(*colour)
        stream.rectangle(*box)
        stream.fill()
        stream.end_marked_content()

    def lead(self, spot: Spot, element: Element) -> None:
        """Make a place on a page lead somewhere; ``element`` is the link in the structure."""
        element.kids.append(spot)
        self.pages[spot.page].spots.append((spot, element))

    def finish(self, made_at: datetime, about: str) -> bytes:
        return _Binding(self).bind(made_at, about)

    @property
    def title(self) -> str:
        return self._title

    @property
    def language(self) -> str:
        return self._language

    @property
    def used(self) -> dict[str, set[str]]:
        return self._used


class _Binding:
    """Turns what was written into objects of a PDF."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._pdf = pydyf.PDF()
        self._pages: list[Any] = []
        self._parents: list[tuple[int, Any]] = []  # of the parent tree (§14.7.4.4)
        self._made: dict[int, Any] = {}  # structure elements, by the id of their node

    def bind(self, made_at: datetime, about: str) -> bytes:
        self._add_pages(self._add_fonts())
        root = self._add(pydyf.Dictionary({"Type": "/StructTreeRoot"}))
        top = self._element(self._paper.root, root)
        self._add_parents()
        root["K"] = pydyf.Array([top.reference])
        root["ParentTree"] = self._add(self._parent_tree()).reference
        root["ParentTreeNextKey"] = len(self._parents)
        self._describe(made_at, about, root)
        out = BytesIO()
        name = hashlib.sha256(f"{self._paper.title}\n{made_at}\n{about}".encode()).hexdigest()[:32]
        self._pdf.write(out, version=b"1.7", identifier=name.encode(), compress=True)
        return out.getvalue()

    def _add(self, thing: Any) -> Any:
        self._pdf.add_object(thing)
        return thing

    def _add_fonts(self) -> bytes:
        faces = dict(zip(_FACES, (regular(), bold()), strict=True))
        made = {face: self._font(font, self._paper.used[face]).reference for face, font in faces.items()}
        return bytes(pydyf.Dictionary({"Font": pydyf.Dictionary(made)}).data)

    def _font(self, font: Font, used: set[str]) -> Any:
        """§9.7: a composite font whose codes are glyphs."""
        packed = zlib.compress(font.data, 9)
        file = pydyf.Stream([packed], {"Filter": "/FlateDecode", "Length1": len(font.data)})
        descriptor = pydyf.Dictionary(
            {
                "Type": "/FontDescriptor",
                "FontName": f"/{font.name}",
                "Flags": _BOLD_FLAGS if font is bold() else _FLAGS,
                "FontBBox": pydyf.Array(font.box),
                "ItalicAngle": 0,
                "Ascent": font.ascent,
                "Descent": font.descent,
                "CapHeight": font.cap_height,
                "StemV": 140 if font is bold() else 80,
                "FontFile2": self._add(file).reference,
            }
        )
        glyphs = {font.glyph(letter): letter for letter in used}
        widths = pydyf.Array(
            [part for glyph in sorted(glyphs) for part in (glyph, pydyf.Array([font.glyph_width(glyph)]))]
        )
        inner = pydyf.Dictionary(
            {
                "Type": "/Font",
                "Subtype": "/CIDFontType2",
                "BaseFont": f"/{font.name}",
                "CIDSystemInfo": pydyf.Dictionary(
                    {"Registry": pydyf.String("Adobe"), "Ordering": pydyf.String("Identity"), "Supplement": 0}
                ),
                "FontDescriptor": self._add(descriptor).reference,
                "W": widths,
                "DW": 0,
                "CIDToGIDMap": "/Identity",
            }
        )
        letters = pydyf.Stream([_to_unicode(glyphs)], compress=True)
        return self._add(
            pydyf.Dictionary(
                {
                    "Type": "/Font",
                    "Subtype": "/Type0",
                    "BaseFont": f"/{font.name}",
                    "Encoding": "/Identity-H",
                    "DescendantFonts": pydyf.Array([self._add(inner).reference]),
                    "ToUnicode": self._add(letters).reference,
                }
            )
        )

    def _add_pages(self, resources: bytes) -> None:
        for number, page in enumerate(self._paper.pages):
            made = pydyf.Dictionary(
                {
                    "Type": "/Page",
                    "Parent": self._pdf.pages.reference,
                    "MediaBox": pydyf.Array([0, 0, WIDTH, HEIGHT]),
                    "Resources": resources,
                    "Contents": self._add(page.stream).reference,
                    "StructParents": number,
                    "Tabs": "/S",
                }
            )
            self._pdf.add_page(made)
            self._pages.append(made)

    def _element(self, node: Element, parent: Any) -> Any:
        made = self._add(pydyf.Dictionary({"Type": "/StructElem", "S": f"/{node.kind}", "P": parent.reference}))
        self._made[id(node)] = made
        kids = pydyf.Array()
        for kid in node.kids:
            if isinstance(kid, Element):
                kids.append(self._element(kid, made).reference)
            elif isinstance(kid, Spot):
                kids.append(self._spot(kid, made))
            else:
                page, mark = kid
                where = {"Type": "/MCR", "Pg": self._pages[page].reference, "MCID": mark}
                kids.append(pydyf.Dictionary(where).data)
        made["K"] = kids
        if node.attributes:
            made["A"] = node.attributes
        return made

    def _spot(self, spot: Spot, element: Any) -> bytes:
        """A link inside the document (§12.5.6.5), as a kid of its element (§14.7.4.3)."""
        page, height = spot.target
        number = len(self._paper.pages) + len(self._parents)
        note = self._add(
            pydyf.Dictionary(
                {
                    "Type": "/Annot",
                    "Subtype": "/Link",
                    "Rect": pydyf.Array(spot.box),
                    "Border": pydyf.Array([0, 0, 0]),
                    "F": 4,
                    "Contents": pydyf.String(spot.says),
                    "Dest": self._place(page, height),
                    "StructParent": number,
                }
            )
        )
        here = self._pages[spot.page]
        here.setdefault("Annots", pydyf.Array()).append(note.reference)
        self._parents.append((number, element.reference))
        return bytes(pydyf.Dictionary({"Type": "/OBJR", "Obj": note.reference}).data)

    def _place(self, page: int, height: float) -> Any:
        return pydyf.Array([self._pages[page].reference, "/XYZ", 0, height, 0])

    def _add_parents(self) -> None:
        rows = [
            (number, pydyf.Array([self._made[id(node)].reference for node in page.marked]))
            for number, page in enumerate(self._paper.pages)
        ]
        self._parents = [(number, self._add(row).reference) for number, row in rows] + self._parents

    def _parent_tree(self) -> Any:
        return pydyf.Dictionary({"Nums": pydyf.Array([part for row in self._parents for part in row])})

    def _describe(self, made_at: datetime, about: str, structure: Any) -> None:
        stamp = f"D:{made_at.astimezone(UTC):%Y%m%d%H%M%S}Z"
        self._pdf.info.update(
            {
                "Title": pydyf.String(self._paper.title),
                "Subject": pydyf.String(about),
                "Creator": pydyf.String(f"Freehold {__version__}"),
                "Producer": pydyf.String(f"pydyf {pydyf.__version__}"),
                "CreationDate": pydyf.String(stamp),
                "ModDate": pydyf.String(stamp),
            }
        )
        words = _metadata(self._paper, made_at, about).encode()
        self._pdf.catalog.update(
            {
                "Lang": pydyf.String(self._paper.language),
                "MarkInfo": pydyf.Dictionary({"Marked": "true"}),
                "StructTreeRoot": structure.reference,
                "ViewerPreferences": pydyf.Dictionary({"DisplayDocTitle": "true"}),
                "PageMode": "/UseOutlines",
                "Metadata": self._add(pydyf.Stream([words], {"Type": "/Metadata", "Subtype": "/XML"})).reference,
            }
        )
        if self._paper.marks:
            self._pdf.catalog["Outlines"] = self._outline().reference

    def _outline(self) -> Any:
        """§12.3.3: headings below headings."""
        root = self._add(pydyf.Dictionary({"Type": "/Outlines"}))
        above: list[tuple[int, Any]] = [(0, root)]
        last: dict[int, Any] = {}  # the newest child of each node
        for mark in self._paper.marks:
            while above[-1][0] >= mark.depth:
                above.pop()
            parent = above[-1][1]
            place = self._place(mark.page, mark.height)
            item = self._add(
                pydyf.Dictionary({"Title": pydyf.String(mark.title), "Parent": parent.reference, "Dest": place})
            )
            if (before := last.get(parent.number)) is None:
                parent["First"] = item.reference
            else:
                before["Next"], item["Prev"] = item.reference, before.reference
            parent["Last"], last[parent.number] = item.reference, item
            if parent is root:
                root["Count"] = root.get("Count", 0) + 1
            above.append((mark.depth, item))
        return root


def _to_unicode(glyphs: dict[int, str]) -> bytes:
    """§9.10.3: which letter each glyph is."""
    rows = [f"<{glyph:04X}> <{letter.encode('utf-16-be').hex()}>" for glyph, letter in sorted(glyphs.items())]
    blocks = [rows[at : at + 100] for at in range(0, len(rows), 100)]
    mapped = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{mapped}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode()


def _metadata(paper: Paper, made_at: datetime, about: str) -> str:
    at = f"{made_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">'
        f"<dc:format>application/pdf</dc:format><dc:language><rdf:Bag><rdf:li>{escape(paper.language)}</rdf:li>"
        f'</rdf:Bag></dc:language><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(paper.title)}</rdf:li>'
        f'</rdf:Alt></dc:title><dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(about)}</rdf:li>'
        f"</rdf:Alt></dc:description><xmp:CreatorTool>Freehold {__version__}</xmp:CreatorTool>"
        f"<xmp:CreateDate>{at}</xmp:CreateDate><xmp:ModifyDate>{at}</xmp:ModifyDate>"
        f"<pdf:Producer>pydyf {pydyf.__version__}</pdf:Producer>"
        "</rdf:Description></rdf:RDF></x:xmpmeta>\n"
        '<?xpacket end="r"?>'
    )
