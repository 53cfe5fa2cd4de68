# SPDX-License-Identifier: Apache-2.0
"""Each archive of assets/ has the defect that it is named for: none is built, and nothing of it is left."""

from pathlib import Path

import pytest
from tests.source_builder import sha256

from freehold.contract.grant import Allowance, Errand
from freehold.engine.building import Builder, Order
from freehold.errors import EstateError

ASSETS = sorted((Path(__file__).parent / "assets").glob("*.tar.gz"))


def permit_nothing(errand: Errand) -> Allowance:
    raise AssertionError(f"nobody was to be contacted, and {errand} would have been")


@pytest.mark.parametrize("asset", ASSETS, ids=lambda path: path.name.removesuffix(".tar.gz"))
def test_an_archive_with_a_defect_is_refused_and_leaves_nothing(asset: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with (
        pytest.raises(EstateError) as refused,
        Builder(tmp_path / "engines").make(Order(archive=asset, sha256=sha256(asset)), said.append, permit_nothing),
    ):
        pass
    assert asset.name in refused.value.message
    assert "configuring llama.cpp" not in said
    assert list((tmp_path / "engines" / "llamacpp").iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["engines"]


def test_every_defect_is_there() -> None:
    assert len(ASSETS) == 17
