# SPDX-License-Identifier: Apache-2.0
"""Every dialect of manifests and lock files: whole, with a look-alike beside, and cut short."""

from collections.abc import Callable

import pytest
from tests.unit.assess.exposure.conftest import Assess

InFile = Callable[[str, str | bytes], set[tuple[int, str, str]]]

OPENAI = {"openai"}
FILES = [
    ("requirements.txt", "httpx\nopenai[async]==1.0 ; python_version > '3.8'\nopenai-blue\n", 2),
    ("requirements-dev.in", "openai\n", 1),
    ("constraints.txt", "openai==1.0 --hash=sha256:abc\n", 1),
    ("pyproject.toml", '[project]\nname = "openai-lookalike"\ndependencies = [\n  "openai>=1",\n]\n', 4),
    ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.11"\nopenai = {version = "^1"}\n', 3),
    ("pyproject.toml", '[dependency-groups]\ndev = ["openai"]\n', 2),
    ("setup.py", "setup(\n  install_requires=[\n    'openai>=1',\n  ],\n)\n", 3),
    ("setup.cfg", "[options]\ninstall_requires =\n    openai>=1\n", 3),
    ("Pipfile", '[packages]\nopenai = "*"\n', 2),
    ("Pipfile.lock", '{"_meta": {},\n "default": {\n  "openai": {"version": "==1.0"}}}\n', 3),
    ("poetry.lock", '[[package]]\nname = "openai"\nversion = "1"\n', 2),
    ("uv.lock", 'version = 1\n[[package]]\nname = "openai"\n', 3),
    ("pdm.lock", '[[package]]\nname = "openai"\n', 2),
    ("environment.yml", "dependencies:\n  - conda-forge::openai=1.5\n  - pip:\n    - httpx\n", 2),
    ("package.json", '{"name": "openai-blue",\n "dependencies": {\n  "openai": "^4"}}\n', 3),
    ("package-lock.json", '{"lockfileVersion": 1, "dependencies": {\n "openai": {\n  "version": "4.0.0"}}}\n', 2),
    (
        "package-lock.json",
        '{"lockfileVersion": 2, "packages": {"": {},\n "node_modules/openai": {"version": "4.0.0"}}}\n',
        2,
    ),
    (
        "package-lock.json",
        '{"lockfileVersion": 3, "packages": {\n "node_modules/a/node_modules/openai": {"version": "4"}}}\n',
        2,
    ),
    ("yarn.lock", '# yarn lockfile v1\n\nopenai@^4.0.0:\n  version "4.0.0"\n', 3),
    ("yarn.lock", '__metadata:\n  version: 8\n\n"openai@npm:^4.0.0":\n  version: 4.0.0\n', 4),
    ("pnpm-lock.yaml", "lockfileVersion: 5.4\npackages:\n  /openai/4.0.0:\n    dev: false\n", 3),
    ("pnpm-lock.yaml", "lockfileVersion: '6.0'\npackages:\n  /openai@4.0.0:\n    dev: false\n", 3),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\npackages:\n  openai@4.0.0:\n    engines: {}\n", 3),
    ("bun.lock", '{"packages": {\n  "openai": ["openai@4.0.0", "", {}, "sha512-x"],\n}}\n', 2),
    ("deno.json", '{"imports": {\n "openai": "npm:openai@4"}}\n', 2),
    ("go.mod", "module a\nrequire (\n\tgithub.com/openai/openai-go/v2 v2.0.0\n)\n", 3),
    ("go.sum", "github.com/openai/openai-go v1.0.0 h1:x=\n", 1),
    (
        "pom.xml",
        "<project><dependencies><dependency>\n<groupId>com.openai</groupId>\n<artifactId>openai-java</artifactId>\n</dependency></dependencies></project>\n",
        3,
    ),
    ("build.gradle", "dependencies {\n  implementation 'com.openai:openai-java:1.0'\n}\n", 2),
    ("build.gradle.kts", 'dependencies {\n  implementation("com.openai:openai-java:1.0")\n}\n', 2),
    ("gradle.lockfile", "# locks\ncom.openai:openai-java:1.0=compileClasspath\nempty=\n", 2),
    ("libs.versions.toml", '[libraries]\nopenai = { module = "com.openai:openai-java", version = "1" }\n', 2),
    ("A.csproj", '<Project>\n<PackageReference Include="OpenAI" Version="2" />\n</Project>\n', 2),
    ("Directory.Packages.props", '<Project>\n<PackageVersion Include="OpenAI" Version="2" />\n</Project>\n', 2),
    ("packages.config", '<packages>\n<package id="OpenAI" version="2" />\n</packages>\n', 2),
    ("packages.lock.json", '{"dependencies": {"net8.0": {\n"OpenAI": {"type": "Direct"}}}}\n', 2),
    ("Gemfile", 'gem "rails"\ngem "ruby-openai"\n', 2),
    ("Gemfile.lock", "GEM\n  specs:\n    ruby-openai (7.0)\n\nDEPENDENCIES\n  ruby-openai\n", 3),
    ("a.gemspec", "Gem::Specification.new do |s|\n  s.add_dependency 'ruby-openai'\nend\n", 2),
    ("Cargo.toml", '[dependencies]\nasync-openai = "0.2"\n', 2),
    ("Cargo.lock", '[[package]]\nname = "async-openai"\nversion = "0.2.0"\n', 2),
    ("composer.json", '{"require": {\n "openai-php/client": "^0.10"}}\n', 2),
    ("composer.lock", '{"packages": [{\n "name": "openai-php/client"}]}\n', 2),
]


@pytest.mark.parametrize(("name", "text", "line"), FILES, ids=[f"{name}-{n}" for n, (name, _, _) in enumerate(FILES)])
def test_every_dialect_is_read_to_the_line(name: str, text: str, line: int, assessed: Assess) -> None:
    assessment = assessed({name: text})
    assert [(one.found.line, one.found.kind.value, one.found.provider) for one in assessment.exposures] == [
        (line, "package", "openai")
    ]
    assert assessment.troubles == ()


CUT = [
    ("package-lock.json", '{"packages": {"node_modules/openai": {"version": "4.0.0"'),
    ("package.json", '{"dependencies": {"openai": "^4"'),
    ("poetry.lock", '[[package]]\nname = "openai"\nversion = "1.'),
    ("Cargo.lock", '[[package]]\nname = "async-openai"\nversion = "'),
    ("Pipfile.lock", '{"default": {"openai": {'),
    ("composer.lock", '{"packages": [{"name": "openai-php/client", "ver'),
    ("yarn.lock", "openai@^4.0.0:\n  ver"),
    ("go.sum", "github.com/openai/openai-go v1.0.0 h1:x=\ngithub.com/a/b v1"),
    ("go.mod", "module a\nrequire (\n\tgithub.com/openai/openai-go v1.0.0\n"),
    ("Gemfile.lock", "GEM\n  specs:\n    ruby-openai (7.0)\n    rai"),
    ("gradle.lockfile", "com.openai:openai-java:1.0=compileClasspath\ncom.x"),
    ("pom.xml", "<project><dependency><groupId>com.openai</groupId><artifactId>openai-java</artifactId>"),
    ("packages.lock.json", '{"dependencies": {"net8.0": {"OpenAI": {"type": "Di'),
    ("A.csproj", '<Project>\n<PackageReference Include="OpenAI" Version="2" />\n<Pack'),
    ("bun.lock", '{"packages": {\n  "openai": ["openai@4.0.0", "'),
    ("requirements.txt", "openai==1.0 \\"),
]


@pytest.mark.parametrize(("name", "text"), CUT, ids=[name for name, _ in CUT])
def test_a_file_that_was_cut_short_gives_what_it_has_and_a_warning(name: str, text: str, assessed: Assess) -> None:
    assessment = assessed({name: text})
    assert {one.found.provider for one in assessment.exposures} == OPENAI
    assert [trouble.file for trouble in assessment.troubles] == [name]
    assert "cut short" in assessment.troubles[0].what


@pytest.mark.parametrize(("name", "text", "line"), FILES, ids=[f"{name}-{n}" for n, (name, _, _) in enumerate(FILES)])
def test_no_beginning_of_a_file_is_too_short(name: str, text: str, line: int, assessed: Assess) -> None:
    for length in range(0, len(text), 7):
        assessed({name: text[:length]})


def test_a_package_of_ones_own_engine_is_no_exposure(assessed: Assess) -> None:
    assessment = assessed({"requirements.txt": "ollama\nvllm\n"})
    assert (assessment.exposures, len(assessment.owned)) == ((), 2)
