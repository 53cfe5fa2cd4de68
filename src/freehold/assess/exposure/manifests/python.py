# SPDX-License-Identifier: Apache-2.0
"""Python: requirements, pyproject, setup, Pipfile, conda, and the locks of pip, Poetry, uv, PDM and Pipenv."""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

from freehold.assess.exposure.manifests.declared import Declared
from freehold.assess.exposure.reading import Text

_REQUIREMENT: Final = re.compile(r"([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;@,(]|#|\\|--hash|$)")
_QUOTED: Final = re.compile(r"""["']([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;@(][^"']*)?["']""")
_SECTION: Final = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+\s*(?:#.*)?$")
_KEY: Final = re.compile(r"""^\s*["']?([A-Za-z0-9][\w.-]*)["']?\s*=""")
_KEYED: Final = re.compile(
    r"^tool\.poetry(?:\.group\.[\w-]+)?\.(?:dev-)?dependencies|^(?:dev-)?packages$|^tool\.pixi\..*dependencies"
)
_LISTED: Final = re.compile(
    r"^project$|^project\.optional-dependencies|^dependency-groups|^tool\.(?:uv|pdm|hatch|rye)\b|^build-system$"
)
_ARRAY: Final = re.compile(r"^\s*([\w-]+)\s*=\s*\[")
_EGG: Final = re.compile(r"[#&]egg=([\w.-]+)")


def requirements(text: Text) -> Iterator[Declared]:
    for number, line in enumerate(text.lines, start=1):
        stripped = line.strip()
        if stripped.startswith(("-e", "--editable", "git+", "http")) and (egg := _EGG.search(stripped)):
            yield _package(number, egg[1])
        elif stripped and not stripped.startswith(("#", "-")) and (match := _REQUIREMENT.match(stripped)):
            yield _package(number, match[1])


def is_whole_list(text: Text) -> bool:
    return not text.text.rstrip("\n").endswith("\\")


def pyproject(text: Text) -> Iterator[Declared]:
    """PEP 621, PEP 735, Poetry, and the tables of other tools."""
    section, inside = "", False
    for number, line in enumerate(text.lines, start=1):
        bare = line.partition(" #")[0] if not line.lstrip().startswith("#") else ""
        if (head := _SECTION.match(bare)) and not inside:
            section = head[1].replace('"', "").replace(" ", "")
            continue
        if _KEYED.match(section):
            if key := _KEY.match(bare):
                yield _package(number, key[1])
            continue
        if not _LISTED.match(section):
            continue
        if array := _ARRAY.match(bare):
            wanted = (
                not section.startswith(("project", "build", "tool"))
                or "dependencies" in section
                or "dependencies" in array[1]
            )
            inside = wanted or array[1] in ("requires", "dev", "extra-dependencies")
            bare = bare.partition("[")[2]
        if inside:
            yield from (_package(number, match[1]) for match in _QUOTED.finditer(bare))
            inside = not re.search(r"\]\s*,?\s*$", re.sub(r"""["'][^"']*["']""", "", bare))


def setup(text: Text) -> Iterator[Declared]:
    """setup.py and setup.cfg: what stands in the lists that name requirements."""
    inside, depth = False, 0
    for number, line in enumerate(text.lines, start=1):
        bare = line.partition("#")[0]
        if (
            re.search(
                r"\b(?:install_requires|extras_require|tests_require|setup_requires|requires|requirements|REQUIRED|dependencies)\b\s*[=:]",
                bare,
                re.IGNORECASE,
            )
            or bare.strip() == "[options.extras_require]"
        ):
            inside, depth = True, 0
        elif inside and bare.strip() and not bare[:1].isspace() and depth <= 0 and "=" in bare:
            inside = False
        if inside:
            depth += sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))
            quoted = [match[1] for match in _QUOTED.finditer(bare)]
            plain = re.match(r"\s+([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*(?:[=<>!~;].*)?$", bare)
            yield from (_package(number, name) for name in quoted or ([plain[1]] if plain else []))


def pipfile(text: Text) -> Iterator[Declared]:
    section = ""
    for number, line in enumerate(text.lines, start=1):
        if head := _SECTION.match(line):
            section = head[1]
        elif section in ("packages", "dev-packages") and (key := _KEY.match(line)):
            yield _package(number, key[1])


def pipfile_lock(text: Text) -> Iterator[Declared]:
    for match in re.finditer(r'"([A-Za-z0-9][\w.-]*)"\s*:\s*\{', text.text):
        if match[1] not in ("_meta", "default", "develop", "hash", "requires", "sources"):
            yield _package(text.line_at(match.start(1)), match[1])


def toml_lock(text: Text) -> Iterator[Declared]:
    """Poetry, uv, PDM and pylock: tables of packages, each with its name."""
    inside = False
    for number, line in enumerate(text.lines, start=1):
        if line.startswith("["):
            inside = line.strip() in ("[[package]]", "[[packages]]")
        elif inside and (match := re.match(r'name\s*=\s*"([^"]+)"', line)):
            yield _package(number, match[1])


def conda(text: Text) -> Iterator[Declared]:
    """Lists of dependencies, those for pip among them, and conda-lock."""
    for number, line in enumerate(text.lines, start=1):
        match = re.match(
            r"\s*-\s+[\"']?(?:[\w-]+::)?([A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?:[=<>!~;@ ].*)?[\"']?\s*$",
            line.partition(" #")[0],
        )
        match = match or re.match(r"\s*-?\s*name:\s*([A-Za-z0-9][\w.-]*)\s*$", line)
        if match:
            yield _package(number, match[1].rstrip("'\""))


def is_toml(text: Text) -> bool:
    try:
        tomllib.loads(text.text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return False
    return True


def _package(line: int, name: str) -> Declared:
    return Declared(line, "pypi", re.sub(r"[-_.]+", "-", name).lower())
