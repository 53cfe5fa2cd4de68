# SPDX-License-Identifier: Apache-2.0
"""Which reader a file takes, by its name."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from freehold.assess.exposure.manifests import dotnet, javascript, jvm, others, python
from freehold.assess.exposure.manifests.declared import Declared
from freehold.assess.exposure.reading import Text

Reader = Callable[[Text], Iterator[Declared]]
Whole = Callable[[Text], bool]


@dataclass(frozen=True, slots=True)
class Manifest:
    """How a file is read. ``lock``: it lists what was resolved, each package where it comes first."""

    read: Reader
    whole: Whole
    lock: bool = False


_BY_NAME: Final[tuple[tuple[str, Manifest], ...]] = (
    (r"package\.json", Manifest(javascript.package_json, javascript.is_json)),
    (r"package-lock\.json|npm-shrinkwrap\.json", Manifest(javascript.package_lock, javascript.is_json, lock=True)),
    (r"yarn\.lock", Manifest(javascript.yarn_lock, javascript.is_whole_yarn, lock=True)),
    (r"pnpm-lock\.yaml", Manifest(javascript.pnpm_lock, others.ends_well, lock=True)),
    (r"bun\.lock", Manifest(javascript.bun_lock, javascript.is_whole_bun, lock=True)),
    (r"deno\.jsonc?|deno\.lock|import_map\.json", Manifest(javascript.deno, others.always)),
    (
        r"(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.(?:txt|in|lock|pip)",
        Manifest(python.requirements, python.is_whole_list),
    ),
    (r"pyproject\.toml", Manifest(python.pyproject, python.is_toml)),
    (r"Pipfile", Manifest(python.pipfile, python.is_toml)),
    (r"Pipfile\.lock", Manifest(python.pipfile_lock, javascript.is_json, lock=True)),
    (r"(?:poetry|uv|pdm)\.lock|pylock(?:\..*)?\.toml", Manifest(python.toml_lock, python.is_toml, lock=True)),
    (
        r"(?:.*[-_.])?environment(?:[-_.].*)?\.ya?ml|conda(?:[-_.].*)?\.ya?ml|conda-lock\.yml|meta\.yaml",
        Manifest(python.conda, others.ends_well),
    ),
    (r"setup\.py|setup\.cfg", Manifest(python.setup, others.always)),
    (r"go\.mod", Manifest(others.go_mod, others.is_whole_go_mod)),
    (r"go\.sum", Manifest(others.go_sum, others.is_whole_go_sum, lock=True)),
    (r"pom\.xml|.*\.pom", Manifest(jvm.pom, jvm.is_whole_pom)),
    (r".*\.gradle(?:\.kts)?|.*\.sbt|libs\.versions\.toml|.*\.versions\.toml", Manifest(jvm.gradle, others.always)),
    (r"gradle\.lockfile|.*\.lockfile", Manifest(jvm.gradle_lock, jvm.is_whole_gradle_lock, lock=True)),
    (
        r".*\.(?:cs|fs|vb)proj|Directory\.(?:Packages|Build)\.(?:props|targets)|packages\.config|.*\.nuspec",
        Manifest(dotnet.project, dotnet.is_whole_xml),
    ),
    (r"packages\.lock\.json", Manifest(dotnet.lock, javascript.is_json, lock=True)),
    (r"paket\.(?:dependencies|references|lock)", Manifest(dotnet.paket, others.always)),
    (r"Gemfile|.*\.gemspec|gems\.rb", Manifest(others.gemfile, others.always)),
    (r"Gemfile\.lock|gems\.locked", Manifest(others.gemfile_lock, others.is_whole_gemfile_lock, lock=True)),
    (r"Cargo\.toml", Manifest(others.cargo, python.is_toml)),
    (r"Cargo\.lock", Manifest(others.cargo_lock, python.is_toml, lock=True)),
    (r"composer\.json", Manifest(others.composer, javascript.is_json)),
    (r"composer\.lock", Manifest(others.composer_lock, javascript.is_json, lock=True)),
)
_COMPILED: Final = tuple((re.compile(pattern), manifest) for pattern, manifest in _BY_NAME)


@lru_cache(maxsize=4096)
def manifest_of(name: str) -> Manifest | None:
    """By the last part of a path."""
    return next((manifest for pattern, manifest in _COMPILED if pattern.fullmatch(name)), None)
