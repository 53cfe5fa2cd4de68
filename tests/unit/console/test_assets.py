# SPDX-License-Identifier: Apache-2.0
import hashlib
import re
from importlib.resources import files
from pathlib import Path

from freehold.console.assets import read_assets
from freehold.console.rendering import environment

STATIC = Path(str(files("freehold.console") / "static"))
AXE = Path(__file__).parents[2] / "system" / "console" / "axe"


def sources(folder: Path) -> dict[str, list[str]]:
    """By file: digest, package, version, where, licence, its file."""
    lines = (folder / "SOURCES.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if re.match(r"\S+ [0-9a-f]{64} ", line)]
    return {row[0]: row[1:] for row in rows}


def test_what_is_not_ours_is_as_its_authors_made_it_and_has_its_licence() -> None:
    for folder in (STATIC / "vendor", AXE):
        known = sources(folder)
        assert {path.name for path in folder.glob("*.js")} == set(known)
        for name, row in known.items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == row[0]
            assert (folder / row[-1]).is_file()


def test_all_that_a_browser_may_ask_for_is_served_and_nothing_else() -> None:
    served = read_assets()
    expected = {str(path.relative_to(STATIC)) for path in STATIC.rglob("*") if path.suffix in (".js", ".css", ".svg")}
    assert set(served) == expected
    assert served["console.css"].etag == f'"{hashlib.sha256((STATIC / "console.css").read_bytes()).hexdigest()}"'


def test_pages_name_no_other_host_and_no_file_that_is_not_there() -> None:
    served = read_assets()
    made = environment()
    for name in made.list_templates():
        text = (STATIC.parent / "templates" / name).read_text(encoding="utf-8")
        assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", text), name
        for asset in re.findall(r"""static\(["']([^"']+)["']\)""", text):
            assert asset in served, (name, asset)
        assert not re.search(r"<(script(?![^>]*src=)|style)|\son[a-z]+=|\sstyle=", text), f"{name} has script or style"
    for path in STATIC.rglob("*.js"):
        if path.parent.name == "vendor":
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function)", text), (
            path
        )
        for module in re.findall(r"""(?:from|import) ["'](\.[^"']+)["']""", text):
            assert (path.parent / module).resolve().is_file(), (path, module)
