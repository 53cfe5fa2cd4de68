# SPDX-License-Identifier: Apache-2.0
"""docs/reference/settings.md tells every setting and nothing else, and TOML that is shown anywhere is right."""

import tomllib
from collections.abc import Mapping

import msgspec
import pytest
from tests.docs.pages import Block, Page

from freehold import settings
from freehold.settings import parse_settings

PAGE = "docs/reference/settings.md"
TABLES = settings._TABLES | settings._NAMED_TABLES
HEADINGS = {name: f"`[{name}]`" for name in settings._TABLES} | {
    name: f"`[{name}.NAME]`" for name in settings._NAMED_TABLES
}


@pytest.mark.parametrize("table", TABLES)
def test_every_setting_is_explained_with_its_default(table: str, pages: Mapping[str, Page]) -> None:
    rows = {cells[0]: cells for cells in pages[PAGE].rows(HEADINGS[table])}
    for field in msgspec.structs.fields(TABLES[table]):
        cells = rows.pop(f"`{field.name}`", None)
        assert cells is not None, f"{PAGE}: the section {HEADINGS[table]} lacks a row for `{field.name}`"
        expected = _default(field)
        assert cells[1] == expected, (
            f"{PAGE}: [{table}] {field.name} has the default {expected}, and the second column says {cells[1]}"
        )
    assert not rows, (
        f"{PAGE}: {HEADINGS[table]} explains {', '.join(rows)}, which src/freehold/settings.py does not know"
    )


def test_every_whole_toml_file_in_the_documentation_is_read(blocks: list[Block]) -> None:
    for block in blocks:
        if block.language == "toml" and "[estate]" in block.text:
            parse_settings(block.text, name=block.place)


def test_every_setting_in_a_piece_of_toml_exists(blocks: list[Block]) -> None:
    unknown = []
    for block in blocks:
        if block.language != "toml" or not block.page.startswith(("docs/", "README")):
            continue
        for table, values in tomllib.loads(block.text).items():
            named = values if table in settings._NAMED_TABLES else {table: values}
            for name, pairs in named.items():
                known = {field.name for field in msgspec.structs.fields(TABLES[table])} if table in TABLES else set()
                unknown += [f"{block.place}: [{name}] {key}" for key in pairs if key not in known]
    assert not unknown, "TOML that 'freehold up' would refuse:\n" + "\n".join(unknown)


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    if value is msgspec.NODEFAULT:
        return "none: must be set"
    if value is None:
        return "from the host"
    return f"`{msgspec.json.encode(value).decode()}`"
