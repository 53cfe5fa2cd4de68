# SPDX-License-Identifier: Apache-2.0
import csv
import io
from html.parser import HTMLParser

from tests.law_builder import law, operator

from freehold.contract.backend import Service
from freehold.contract.call import DataClass
from freehold.policy.cedar import read_rules
from freehold.policy.facts import owned_facts
from freehold.policy.judge import Application, Backend, Judge
from freehold.policy.matrix import Cell, as_csv, as_html, class_of, grid, tabulate

SERVICES = (
    Service(name="desk", data_class=DataClass.PUBLIC, targets=("local", "cloud")),
    Service(name="hr", data_class=DataClass.PERSONAL, targets=("local",)),
)


def cells(least: DataClass = DataClass.PUBLIC) -> list[Cell]:
    made = law("open")
    backends = (
        Backend(name="local", facts=owned_facts()),
        Backend(name="cloud", facts=operator("cloud", "US")),
        Backend(name="<b>", facts=operator("trainer", "FR", trains=True)),
    )
    judge = Judge(read_rules(made.files), backends, made.states)
    return tabulate(judge, Application(key="any", services=("*",)), SERVICES, at_unix=0, least=least)


def test_every_service_class_and_target_has_a_cell() -> None:
    found = cells()
    assert len(found) == 2 * 4 * 3
    assert len({(cell.service, cell.data_class, cell.target) for cell in found}) == len(found)
    answers = {cell.data_class: cell.allowed for cell in found if (cell.service, cell.target) == ("desk", "cloud")}
    assert answers == {"public": True, "internal": True, "personal": False, "restricted": False}


def test_a_class_below_that_of_the_service_or_the_key_counts_as_theirs() -> None:
    hr = [cell for cell in cells() if (cell.service, cell.target) == ("hr", "cloud")]
    assert [(cell.counts_as, cell.allowed) for cell in hr] == [("personal", False)] * 3 + [("restricted", False)]
    assert class_of(hr[0]) == "public, as personal"
    assert {cell.counts_as for cell in cells(DataClass.RESTRICTED)} == {"restricted"}


def test_a_backend_that_is_no_target_of_a_service_is_marked() -> None:
    aside = {(cell.service, cell.target) for cell in cells() if not cell.is_target}
    assert aside == {("desk", "<b>"), ("hr", "cloud"), ("hr", "<b>")}


def test_a_grid_has_one_row_for_each_service_and_class() -> None:
    assert [(row[0].service, row[0].data_class, len(row)) for row in grid(cells())][:2] == [
        ("desk", "public", 3),
        ("desk", "internal", 3),
    ]


def test_csv_has_one_line_a_cell() -> None:
    lines = list(csv.DictReader(io.StringIO(as_csv(cells()))))
    assert len(lines) == 24
    assert lines[4] == {
        "service": "desk",
        "data_class": "internal",
        "counts_as": "internal",
        "target": "cloud",
        "is_target": "yes",
        "allowed": "yes",
        "rules": "anybody",
    }


def test_html_is_whole_in_itself_and_escaped() -> None:
    page, seen = as_html(cells(), "Who & what"), []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append(tag)
            assert not {"src", "href"} & dict(attrs).keys()

    Reader().feed(page)
    assert seen.count("tr") == 1 + 8
    assert not {"b", "script", "link", "img"} & set(seen)
    assert "Who &amp; what" in page
    assert "url(" not in page
