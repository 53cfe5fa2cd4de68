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
NAMED_TABLES: dict[str, type[settings.Section]] = {
    "`[service.NAME]`": settings.ServiceSection,
    "`[target.NAME]`, an engine": settings.EngineTargetSection,
    "`[target.NAME]`, a provider's model": settings.ProviderTargetSection,
    "`[provider.NAME]`": settings.ProviderSection,
    "`[grant.NAME]`": settings.GrantSection,
    "`[trust.NAME]`": settings.TrustSection,
    "`[witness.NAME]`": settings.WitnessSection,
}
TABLES = {f"`[{name}]`": kind for name, kind in settings.TABLES.items()} | NAMED_TABLES


def test_every_table_that_has_a_name_is_among_these() -> None:
    assert {heading.partition(".")[0].removeprefix("`[") for heading in NAMED_TABLES} == set(settings.NAMED_TABLES)


@pytest.mark.parametrize("heading", TABLES)
def test_every_setting_is_explained_with_its_default(heading: str, pages: Mapping[str, Page]) -> None:
    rows = {cells[0]: cells for cells in pages[PAGE].rows(heading)}
    for field in msgspec.structs.fields(TABLES[heading]):
        cells = rows.pop(f"`{field.encode_name}`", None)
        assert cells is not None, f"{PAGE}: the section {heading} lacks a row for `{field.encode_name}`"
        expected = _default(field)
        assert cells[1] == expected, (
            f"{PAGE}: {heading} {field.encode_name} has the default {expected}, and the second column says {cells[1]}"
        )
    assert not rows, f"{PAGE}: {heading} explains {', '.join(rows)}, which src/freehold/settings does not know"


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
            named = values if table in settings.NAMED_TABLES else {table: values}
            for name, pairs in named.items():
                known = _keys(table, pairs)
                unknown += [f"{block.place}: [{name}] {key}" for key in pairs if key not in known]
    assert not unknown, "TOML that 'freehold up' would refuse:\n" + "\n".join(unknown)


def _keys(table: str, pairs: Mapping[str, object]) -> set[str]:
    if table == "target" and "provider" in pairs:
        kind: type[settings.Section] | None = settings.ProviderTargetSection
    else:
        kind = next(
            (kind for heading, kind in TABLES.items() if heading.startswith((f"`[{table}]", f"`[{table}."))), None
        )
    return {field.encode_name for field in msgspec.structs.fields(kind)} if kind else set()


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    if value is msgspec.NODEFAULT:
        return "none: must be set"
    if value is None:
        return "from the host"
    return f"`{msgspec.json.encode(value).decode()}`"
