# SPDX-License-Identifier: Apache-2.0
"""Evidence on paper says what its page says, in the same order, and to whoever cannot see it as well."""

import re
import zlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from freehold.assess.evidence.html import Markup, page, table, tag
from freehold.assess.evidence.pdf import read_page, write_pdf
from freehold.assess.evidence.pdf.font import bold, regular, spelt
from freehold.assess.evidence.pdf.lines import break_lines, width_of
from freehold.assess.evidence.pdf.reading import Cell, Figures, Grid, Heading, Items, Notice, Paragraph, Run
from freehold.assess.evidence.pdf.tables import lay_table

AT = datetime(2026, 11, 23, tzinfo=UTC)
LONG = "sha256:" + "0123456789abcdef" * 4


def streams(pdf: bytes) -> list[bytes]:
    found = []
    for match in re.finditer(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL):
        try:
            found.append(zlib.decompress(match[1]))
        except zlib.error:
            found.append(match[1])
    return found


def said(pdf: bytes) -> str:
    return " ".join(said_on_pages(pdf))


def said_on_pages(pdf: bytes) -> list[str]:
    """The text, glyph by glyph, by what the file itself says which letter each is. Both fonts number them alike."""
    letters: dict[str, str] = {}
    texts = []
    for stream in streams(pdf):
        if b"beginbfchar" in stream:
            for glyph, letter in re.findall(rb"<([0-9A-F]{4})> <([0-9a-f]+)>", stream):
                letters[glyph.decode()] = bytes.fromhex(letter.decode()).decode("utf-16-be")
    for stream in streams(pdf):
        written = []
        for codes in re.findall(rb"<([0-9A-F]+)> Tj", stream):
            text = codes.decode()
            written.append("".join(letters[text[at : at + 4]] for at in range(0, len(text), 4)))
        if written:
            texts.append(" ".join(written))
    return texts


def made(*body: Markup, title: str = "A title") -> bytes:
    return write_pdf(read_page(page(title, body)), made_at=AT, about="estate, today")


def test_a_page_is_read_as_what_it_is() -> None:
    sheet = read_page(
        page(
            "T",
            [
                tag("h1", "One & all"),
                tag("p", "some ", tag("b", "bold"), "\n  text", is_="soft"),
                tag("div", tag("div", tag("b", "7"), tag("span", "of them")), is_="figures"),
                tag("div", tag("b", "Beware"), tag("ul", tag("li", "of this")), is_="notice"),
                Markup("<details><summary>More</summary>"),
                table(("a", "b"), [("1", Markup('<span class="bar"><i style="width:50.0%"></i></span>'))]),
                Markup("</details><script>no</script><nav><p>no</p></nav>"),
                tag("footer", "the end"),
            ],
        )
    )
    assert sheet.blocks == (
        Heading(runs=(Run(text="One & all"),), depth=1),
        Paragraph(runs=(Run(text="some "), Run(text="bold", bold=True), Run(text=" text")), soft=True),
        Figures(boxes=(("7", "of them"),)),
        Notice(
            blocks=(
                Paragraph(runs=(Run(text="Beware", bold=True),)),
                Items(items=((Run(text="of this"),),)),
            )
        ),
        Paragraph(runs=(Run(text="More", bold=True),)),
        Grid(
            headings=("a", "b"),
            rows=((Cell(parts=(Paragraph(runs=(Run(text="1"),)),)), Cell(parts=(), share=0.5)),),
        ),
        Paragraph(runs=(Run(text="the end"),)),
    )


def test_a_cell_loses_nothing_however_much_is_put_into_it() -> None:
    large = tag(
        "div",
        tag("h3", "over"),
        tag("div", tag("b", "1"), tag("span", "of it"), is_="notice"),
        table(("x",), [("in",)]),
    )
    text = said(made(table(("a",), [(large,)])))
    assert all(word in text for word in ("over", "1 of it", "in"))


def test_everything_that_is_said_is_said_on_paper_in_its_order() -> None:
    pdf = made(
        tag("h1", "Łódź"),
        tag("p", "Ελλάδα and България"),
        tag("h2", "First"),
        tag("p", "one"),
        tag("h2", "Second"),
        table(("state", "says"), [("FR", "deux"), ("PL", "trzy")]),
        tag("ul", tag("li", "last")),
    )
    text = said(pdf)
    toc = ["Contents", "First", "Second"]
    at = 0
    for word in ["Łódź", "Ελλάδα and България", *toc, "First", "one", "Second", "state", "FR", "deux", "PL", "last"]:
        at = text.index(word, at) + len(word)
    assert "Page 1 of 2" in text


def test_what_the_fonts_lack_is_named_and_not_lost() -> None:
    assert spelt("a\N{RIGHTWARDS ARROW}b \N{CJK UNIFIED IDEOGRAPH-4E2D}\n") == "a->b [U+4E2D][U+000A]"
    assert "[U+4E2D]" in said(made(tag("p", "\N{CJK UNIFIED IDEOGRAPH-4E2D}")))


def test_it_is_tagged_outlined_titled_and_loads_nothing() -> None:
    pdf = made(tag("h1", "T"), tag("h2", "A"), table(("x",), [("1",)]), tag("h2", "B"), tag("h3", "C"), title="Tïtle")
    whole = b"\n".join([pdf, *streams(pdf)])
    for needed in (b"/MarkInfo <</Marked true>>", b"/StructTreeRoot", b"/Lang (en)", b"/DisplayDocTitle true"):
        assert needed in whole
    for kind in (b"/H1", b"/H2", b"/H3", b"/Table", b"/TH", b"/TD", b"/TOC", b"/Link"):
        assert b"/S " + kind in whole
    assert b"/Scope /Column" in whole
    assert "Tïtle".encode("utf-16-be").hex().encode() in whole
    for never in (b"/JavaScript", b"/URI", b"/Launch", b"/EmbeddedFile", b"/AcroForm", b"/GoToR"):
        assert never not in whole


def test_the_same_page_gives_the_same_bytes() -> None:
    assert made(tag("p", "x")) == made(tag("p", "x"))
    assert made(tag("p", "x")) != made(tag("p", "y"))


def test_a_table_goes_on_over_pages_with_its_headings_and_loses_no_row() -> None:
    rows = [(f"row {number}", "words " * 40, LONG) for number in range(60)]
    text = said(made(tag("h1", "T"), table(("what", "says", "digest"), rows)))
    assert all(f"row {number}" in text for number in range(60))
    pages = int(re.findall(r"Page \d+ of (\d+)", text)[0])
    assert pages > 3
    assert text.count("digest") >= pages - 1


def test_a_row_that_is_higher_than_a_page_is_split_and_whole() -> None:
    text = said(made(table(("a", "b"), [("left", " ".join(f"w{number}" for number in range(3000)))])))
    assert all(f"w{number}" in text for number in (0, 1500, 2999))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=200), st.floats(30, 400))
def test_lines_are_never_too_wide_and_lose_nothing(text: str, width: float) -> None:
    runs = (Run(text=text), Run(text=LONG, bold=True))
    lines = break_lines(runs, width, 9.0)
    assert all(width_of(line, 9.0) <= width + 0.01 or sum(len(piece.text) for piece in line) == 1 for line in lines)
    wanted = "".join("".join(spelt(part) for part in run.text.split("\n")) for run in runs).replace(" ", "")
    assert "".join(piece.text for line in lines for piece in line).replace(" ", "") == wanted


def test_a_table_is_never_wider_than_its_room() -> None:
    grid = Grid(headings=("a", LONG), rows=((Cell(parts=(Paragraph(runs=(Run(text=LONG * 3),)),)), Cell(parts=())),))
    laid = lay_table(grid, 300.0, 8.0)
    assert sum(laid.widths) <= 300.0
    assert lay_table(Grid(headings=(), rows=()), 300.0, 8.0).rows == ()


def test_the_fonts_have_the_letters_of_europe() -> None:
    for letter in "AzÄßéłőşčĂΩжЂ€„“•…№":
        assert regular().has(letter)
        assert bold().has(letter)


def test_a_heading_stands_on_the_page_of_the_first_row_below_it() -> None:
    tall = Markup("<br>".join(f"line {number}" for number in range(9)))
    for filler in range(20, 45):
        body = [*(tag("p", "filler") for _ in range(filler)), tag("h2", "Recipients"), tag("h3", "By name")]
        pdf = made(tag("h2", "Before"), *body, table(("provider", "why"), [("delta", tall)]))
        (text,) = [one for one in said_on_pages(pdf)[1:] if "Recipients" in one]
        assert "delta" in text, filler


def test_the_mark_of_an_item_stands_on_the_page_of_its_text() -> None:
    words = " ".join(["word"] * 40)
    for filler in range(20, 45):
        pdf = made(*(tag("p", "filler") for _ in range(filler)), tag("ul", tag("li", words), tag("li", words)))
        assert sum(one.count("\N{BULLET} word") for one in said_on_pages(pdf)) == 2, filler
