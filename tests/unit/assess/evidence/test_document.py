# SPDX-License-Identifier: Apache-2.0
from html.parser import HTMLParser

from freehold.assess.evidence.document import Bullets, Command, Document, Figure, Section, Table, Text
from freehold.assess.evidence.html import write_document
from freehold.assess.evidence.markdown import write_markdown

EVIL = "<script>alert(1)</script>[x](javascript:y) | `a` **b** &lt; # \n## not a heading"
DOCUMENT = Document(
    title=EVIL,
    about=EVIL,
    figures=(Figure(figure="3", says=EVIL),),
    sections=(
        Section(
            title=EVIL,
            blocks=(
                Text(text=f"# {EVIL}"),
                Bullets(title=EVIL, items=(EVIL,), warns=True),
                Command(text=f"freehold x --about a\nrm {EVIL}"),
                Table(headings=("a", EVIL), rows=((EVIL, "one\ntwo"),)),
                Table(headings=("a",), rows=(), empty="There is none."),
            ),
        ),
    ),
    footer=EVIL,
)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)


def test_nothing_that_a_page_is_made_of_becomes_markup() -> None:
    page = write_document(DOCUMENT).decode()
    seen = _Tags()
    seen.feed(page)
    assert not {"script", "img", "a", "link", "iframe", "h3"} & set(seen.tags)
    assert "&lt;script&gt;" in page
    assert "There is none." in page


def test_nothing_that_markdown_is_made_of_becomes_markup() -> None:
    text = "\n".join(line for line in write_markdown(DOCUMENT).splitlines() if not line.startswith("freehold x"))
    assert "<script" not in text.replace("\\<", "")
    assert "[x](" not in text.replace("\\[", "").replace("\\]", "")
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith(("# \\<script", "## \\<script"))
    ]
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert [row.replace("\\|", "").count("|") for row in rows] == [3, 3, 3]


def test_what_somebody_would_type_stands_between_fences_that_it_cannot_close() -> None:
    blocks = (Bullets(items=("a",)), Command(text="run ```` it"))
    document = Document(title="t", about="a", sections=(Section(title="s", blocks=blocks),), footer="f")
    assert "\n`````\nrun ```` it\n`````\n" in write_markdown(document)


def test_lines_of_a_cell_stay_in_their_row() -> None:
    assert "one; two |" in write_markdown(DOCUMENT)
    assert "one<br>two" in write_document(DOCUMENT).decode()


def test_what_opens_a_block_is_text_at_the_beginning_of_a_line() -> None:
    items = ("1. one", "- two", "+ three", "2026-11-23", "1) four", "=", "B_02.01 _a_")
    document = Document(
        title="t", about="a", sections=(Section(title="s", blocks=(Bullets(items=items),)),), footer="f"
    )
    lines = [line for line in write_markdown(document).splitlines() if line.startswith("- ")]
    assert lines == [
        "- \\1. one",
        "- \\- two",
        "- \\+ three",
        "- 2026-11-23",
        "- \\1) four",
        "- \\=",
        "- B_02.01 \\_a\\_",
    ]
