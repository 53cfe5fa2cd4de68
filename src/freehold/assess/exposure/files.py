# SPDX-License-Identifier: Apache-2.0
"""One file: what kind it is, who reads it, and what came of that. No file can end the whole."""

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from freehold.assess.exposure.code import Code
from freehold.assess.exposure.configuration import Configuration, lies_at
from freehold.assess.exposure.finding import Found, Read, Trouble, found_by
from freehold.assess.exposure.knowledge import Kind, Knowledge, Rule
from freehold.assess.exposure.languages import LANGUAGES, Language
from freehold.assess.exposure.lines import Context, Lines, has_any
from freehold.assess.exposure.manifests import Manifest, manifest_of
from freehold.assess.exposure.notebooks import cells_of
from freehold.assess.exposure.reading import MOST_BYTES, MOST_BYTES_LISTED, Text, read_text
from freehold.assess.exposure.secrets import Secrets
from freehold.assess.exposure.walk import Place

_SETTINGS: Final = frozenset(
    {
        *(
            ".yaml",
            ".yml",
            ".json",
            ".jsonc",
            ".json5",
            ".toml",
            ".ini",
            ".cfg",
            ".conf",
            ".config",
            ".properties",
            ".env",
        ),
        *(".tf", ".tfvars", ".hcl", ".bicep", ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".mk", ".xml"),
        *(
            ".html",
            ".htm",
            ".tpl",
            ".gotmpl",
            ".j2",
            ".jinja",
            ".http",
            ".rest",
            ".service",
            ".nix",
            ".cue",
            ".jsonnet",
        ),
        *(
            ".plist",
            ".gradle",
            ".kts",
            ".prompty",
            ".prompt",
            ".mdc",
            ".props",
            ".targets",
            ".lua",
            ".sql",
            ".r",
            ".jl",
        ),
        *(".swift", ".dart", ".ex", ".exs", ".erl", ".clj", ".pl", ".sc", ".tmpl", ".envrc", ".dockerfile", ".graphql"),
    }
)
_NAMES: Final = re.compile(
    r"(?i)(?:\.env(?:[.\-_].*)?|.*\.env|env\.(?:sample|example|template)|\.envrc|(?:docker|container)file(?:[.\-_].*)?|makefile|gnumakefile|justfile|procfile|\.cursorrules|\.windsurfrules|\.aider\..*|\.continuerc\.json|jenkinsfile)"
)
_FRONT: Final = re.compile(r"\A---\n(.*?)\n---", re.DOTALL)
_SCRIPT: Final = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)
_FRONTED: Final = (".prompt.md", ".chatmode.md", ".agent.md", ".prompty", ".prompt", ".mdc")
_DATA: Final = frozenset({".json", ".yaml", ".yml", ".xml", ".html", ".htm"})
_MOST_DATA: Final = 2**20  # bytes; what is larger is no settings


class Files:
    """All rules, compiled once."""

    def __init__(self, known: Knowledge) -> None:
        self._known = known
        self._lines = Lines(known)
        self._code = Code(known, self._lines)
        self._configuration = Configuration(known, self._lines)
        self._secrets = Secrets(known)
        self._stems = tuple(known.places.stems)
        self._words = tuple(known.places.words)
        patterns = [pattern for assistant in known.places.assistants for pattern in assistant.files]
        self._marks = tuple({max(re.split(r"[*/]", pattern), key=len) for pattern in patterns})
        words = "|".join(map(re.escape, self._words))
        self._imported = re.compile(
            rf"(?m)^[^\n]*\b(?:import|from|require|use|using|new)\b[^\n]*(?:{words})", re.IGNORECASE
        )

    def read(self, place: Place) -> Read:
        """Whatever there is to say of one file."""
        found = list(self._assistants(place.name))
        kind = _kind_of(place.name)
        if kind == "":
            return Read(found=tuple(found))
        try:
            text = read_text(place.path, MOST_BYTES_LISTED if kind in ("manifest", "notebook") else MOST_BYTES)
        except OSError:
            return Read(found=tuple(found), troubles=(Trouble(file=place.name, what="could not be read"),))
        if text is None:
            return Read(found=tuple(found), troubles=(Trouble(file=place.name, what="is not text"),))
        troubles = []
        if text.cut:
            troubles.append(Trouble(file=place.name, what="is very large: only its beginning was read"))
        if text.broken:
            troubles.append(Trouble(file=place.name, what="is not UTF-8: it was read as Latin-1"))
        more, problem = self._texts(place, kind, text)
        found += more
        if problem:
            troubles.append(Trouble(file=place.name, what=problem))
        secrets = tuple(self._secrets.find(text, place.name))
        return Read(found=tuple(self._once(found)), secrets=secrets, troubles=tuple(troubles))

    def _texts(self, place: Place, kind: str, text: Text) -> tuple[list[Found], str]:
        suffix = os.path.splitext(place.name)[1].lower()  # noqa: PTH122 - a string, ten thousand times
        manifest = manifest_of(place.name.rpartition("/")[2])
        if manifest is not None:
            return self._manifest(place, manifest, text, suffix)
        if kind == "notebook":
            return self._notebook(place, text)
        if kind == "code":
            return self._program(place, text, LANGUAGES[suffix], suffix)
        if not self._may_tell(text.text):
            return [], ""
        if suffix in _DATA and len(text.text) > _MOST_DATA:
            return [], ""
        if kind == "front":
            front = _FRONT.match(text.text)
            text = Text(front[0] if front else "")
        return self._configuration.read(text, place.name, suffix), ""

    def _manifest(self, place: Place, manifest: Manifest, text: Text, suffix: str) -> tuple[list[Found], str]:
        found: list[Found] = []
        told: set[str] = set()
        for declared in manifest.read(text):
            if not manifest.lock or declared.name not in told:
                told.add(declared.name)
                found += self._configuration.package(
                    declared.ecosystem, declared.name, Context(place.name, declared.line)
                )
        problem = (
            "" if manifest.whole(text) else "was cut short, or is not what its name says: what it still has was read"
        )
        if (
            not manifest.lock
            and suffix in (".py", ".toml", ".json", ".yml", ".yaml", ".xml")
            and self._may_tell(text.text)
        ):
            more = (
                self._program(place, text, LANGUAGES[suffix], suffix)[0]
                if suffix in LANGUAGES
                else self._configuration.read(text, place.name, suffix)
            )
            found += [one for one in more if one.kind is not Kind.MODEL]
        return found, problem

    def _notebook(self, place: Place, text: Text) -> tuple[list[Found], str]:
        read = cells_of(text)
        if read is None:
            return [], "is not a notebook that can be read"
        name, cells = read
        language = {"python": LANGUAGES[".py"], "javascript": LANGUAGES[".js"], "typescript": LANGUAGES[".ts"]}.get(
            name
        )
        if language is None or not self._may_tell(text.text):
            return [], ""
        source, lines = [], []
        found: list[Found] = []
        for cell in cells:
            for number, line in zip(cell.lines, cell.text.split("\n"), strict=False):
                magic = line.lstrip().startswith(("%", "!"))
                if magic:
                    at = Context(place.name, number, command=True)
                    found += self._configuration.installs(line.lstrip("%! "), at)
                    found += self._lines.all(line, at)
                source.append("" if magic else line)
                lines.append(number)
        program = self._code.read(Text("\n".join(source)), place.name, language, frozenset())
        return found + [replace(one, line=lines[min(one.line, len(lines)) - 1]) for one in program if lines], ""

    def _program(self, place: Place, text: Text, language: Language, suffix: str) -> tuple[list[Found], str]:
        if not self._may_tell_in_code(text.text):
            return [], ""
        if suffix in (".vue", ".svelte", ".astro"):
            return self._scripts(place, text, language), ""
        if text.is_minified or text.is_deep:
            what = "has very long lines" if text.is_minified else "is nested too deeply"
            found = [
                one
                for number, line in enumerate(text.lines, start=1)
                for one in (*self._lines.endpoints(line, Context(place.name, number, code=True)),)
            ]
            return found, f"{what}: it was read for endpoints alone"
        siblings = _siblings(place) if language.name == "python" else frozenset()
        return self._code.read(text, place.name, language, siblings), ""

    def _scripts(self, place: Place, text: Text, language: Language) -> list[Found]:
        found: list[Found] = []
        for script in _SCRIPT.finditer(text.text):
            above = text.line_at(script.start(1)) - 1
            found += self._code.read(Text(script[1]), place.name, language, frozenset(), offset=above)
        if suffix_of(place.name) == ".astro" and (front := _FRONT.match(text.text)):
            found += self._code.read(Text(front[1]), place.name, language, frozenset(), offset=1)
        return found

    def _assistants(self, name: str) -> Iterator[Found]:
        if not has_any(name, self._marks):
            return
        for assistant in self._known.places.assistants:
            if any(lies_at(name, pattern) for pattern in assistant.files):
                rule = Rule(provider=assistant.provider, source=assistant.source)
                yield found_by(rule, name, 1, Kind.AGENT_CONFIG, name.rpartition("/")[2])

    def _may_tell(self, text: str) -> bool:
        lowered = text.lower()
        return has_any(lowered, self._stems) or has_any(lowered, self._words)

    def _may_tell_in_code(self, text: str) -> bool:
        lowered = text.lower()
        if has_any(lowered, self._stems):
            return True
        return has_any(lowered, self._words) and self._imported.search(text) is not None

    def _once(self, found: list[Found]) -> list[Found]:
        """A line is told once for each kind and provider, the surest first; a secret is in nothing that is shown."""
        kept: dict[tuple[object, ...], Found] = {}
        for one in sorted(
            found, key=lambda one: (one.line, one.kind, one.provider, _SURE[one.certainty], not one.model)
        ):
            before = kept.setdefault(one.key, one)
            if before is not one and (one.features or one.model):
                features = tuple(sorted({*before.features, *one.features}))
                kept[one.key] = replace(before, features=features, model=before.model or one.model)
        return [replace(one, evidence=self._secrets.hidden(one.evidence)) for one in kept.values()]


_SURE: Final = {"high": 0, "medium": 1, "low": 2}


def suffix_of(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a string, ten thousand times


def _kind_of(name: str) -> str:
    """Who reads it; empty for nobody."""
    last = name.rpartition("/")[2]
    suffix = suffix_of(last)
    if "ISSUE_TEMPLATE" in name:  # words for people
        return ""
    if manifest_of(last) is not None:
        return "manifest"
    if suffix == ".ipynb":
        return "notebook"
    if suffix in LANGUAGES:
        return "code"
    if last.endswith(_FRONTED) or lies_at(name, ".claude/agents/*.md") or lies_at(name, ".claude/commands/*.md"):
        return "front"
    return "settings" if suffix in _SETTINGS or _NAMES.fullmatch(last) else ""


@lru_cache(maxsize=4096)
def _modules_in(folder: str) -> frozenset[str]:
    try:
        with os.scandir(folder) as entries:
            return frozenset(
                entry.name.removesuffix(".py")
                for entry in entries
                if entry.name.endswith(".py") or os.path.isfile(os.path.join(entry.path, "__init__.py"))  # noqa: PTH113, PTH118 - strings
            )
    except OSError:
        return frozenset()


def _siblings(place: Place) -> frozenset[str]:
    """Modules beside a program: Python finds them first."""
    folder, _, own = place.path.rpartition("/")
    return _modules_in(folder) - {own.removesuffix(".py")}
