# SPDX-License-Identifier: Apache-2.0
"""Files of settings, commands and infrastructure: their lines without comments, and where in the file each stands."""

import re
from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Final

from freehold.assess.exposure.finding import OWN, Found, found_by
from freehold.assess.exposure.knowledge import Kind, Knowledge, Rule
from freehold.assess.exposure.knowledge.groups import Named
from freehold.assess.exposure.lines import Context, Lines
from freehold.assess.exposure.reading import Text

_SLASHES: Final = frozenset(
    {".jsonc", ".json5", ".tf", ".hcl", ".tfvars", ".bicep", ".gradle", ".kts", ".proto", ".jsonnet", ".cue"}
)
_MARKUP: Final = frozenset({".xml", ".html", ".htm", ".config", ".plist", ".props", ".targets"})
_COMMANDS: Final = frozenset({".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".mk"})
_KEY: Final = re.compile(r"""^(\s*)(?:-\s+)?["']?([\w.@/-]+)["']?\s*[:=]\s*(.*)$""")
_INSTALL: Final = re.compile(
    r"""(?x)\b(?:
        (?P<pypi>(?:pip3?|pipx|uv\s+pip|python3?\s+-m\s+pip|conda|mamba)\s+install|poetry\s+add|uv\s+add|pdm\s+add|uv\s+tool\s+install|uvx)
        |(?P<npm>npm\s+(?:i|install|add|ci)|yarn\s+(?:global\s+)?add|pnpm\s+(?:add|install|i)|bun\s+(?:add|install)|npx|pnpm\s+dlx)
        |(?P<go>go\s+(?:get|install))|(?P<gem>gem\s+install)|(?P<crates>cargo\s+(?:add|install))
        |(?P<composer>composer\s+(?:global\s+)?require)|(?P<nuget>dotnet\s+add\s+(?:\S+\s+)?package)
    )\s+(?P<rest>[^;&|\n]*)"""
)
_PACKAGE: Final = re.compile(r"(?:@[\w.-]+/)?[\w.-]+(?:/[\w./-]+)?")


class Configuration:
    """The rules that look at settings and at what is run beside programs."""

    def __init__(self, known: Knowledge, lines: Lines) -> None:
        self._known = known
        self._lines = lines
        self._prefixes = tuple(known.settings)

    def read(self, text: Text, file: str, suffix: str) -> list[Found]:
        found = list(self._named(text, file))
        told = {(one.line, one.provider) for one in found}
        command = suffix in _COMMANDS or _is_of_commands(file)
        path: list[tuple[int, str]] = []
        for number, line in enumerate(without_comments(text.text, suffix).split("\n"), start=1):
            if not line.strip():
                continue
            asked = _follow(path, line)
            at = Context(file, number, asked=asked, command=command)
            betrayed = list(self._lines.all(line, at))
            granted = {
                one.provider for one in betrayed if one.kind is Kind.IAC
            }  # a service that is named, and not called
            betrayed = [
                one
                for one in betrayed
                if one.kind is not Kind.ENDPOINT or "://" in one.evidence or one.provider not in granted
            ]
            found += [one for one in betrayed if one.kind is not Kind.MODEL or (one.line, one.provider) not in told]
            found += self._setting(line, path, at)
            found += self.installs(line, at)
        return _with_own_keys(found)

    def installs(self, line: str, at: Context) -> Iterator[Found]:
        """Packages that a command installs, or runs out of a registry."""
        for match in _INSTALL.finditer(line):
            ecosystem = next(
                name for name in ("pypi", "npm", "go", "gem", "crates", "composer", "nuget") if match[name]
            )
            for word in match["rest"].replace('"', " ").replace("'", " ").replace("\\", " ").replace(",", " ").split():
                if not word.startswith("-") and (name := _PACKAGE.match(re.sub(r"^npm:", "", word))):
                    yield from self.package(ecosystem, name[0], at)

    def package(self, ecosystem: str, name: str, at: Context) -> Iterator[Found]:
        rule = self._known.module("go", name) if ecosystem == "go" else self._known.package(ecosystem, name)
        if rule is not None:
            yield found_by(rule, at.file, at.number, Kind.PACKAGE, name)

    def _setting(self, line: str, path: list[tuple[int, str]], at: Context) -> Iterator[Found]:
        """Keys of frameworks, such as ``spring.ai.openai.api-key``, in one line or as a tree."""
        key = line.strip().partition("=")[0].strip()
        tree = ".".join(name for _, name in path)
        for prefix in self._prefixes:
            if key.startswith(f"{prefix}.") or tree == prefix:
                yield found_by(
                    self._known.settings[prefix],
                    at.file,
                    at.number,
                    Kind.ENV,
                    key if key.startswith(prefix) else prefix,
                )

    def _named(self, text: Text, file: str) -> Iterator[Found]:
        for named in self._known.places.named:
            if any(lies_at(file, pattern) for pattern in named.files) and (
                not named.contains or named.contains in text.text
            ):
                yield from self._by_keys(text, file, named)

    def _by_keys(self, text: Text, file: str, named: Named) -> Iterator[Found]:
        parents: list[tuple[int, str]] = []
        for number, line in enumerate(text.lines, start=1):
            bare = line.partition(" #")[0] if not line.lstrip().startswith(("#", "//")) else ""
            for key, value in _pairs(bare):
                above = parents[-1][1] if parents else ""
                provider = self._provider(key, value, named, above)
                if provider is not None:
                    shown = key if named.block else f"{key}: {value[:80]}"
                    rule = Rule(provider=provider, source=named.source, owned=provider == OWN)
                    name = (
                        value if self._known.model(value, asked=True) or self._known.routed(value, asked=True) else ""
                    )
                    yield replace(found_by(rule, file, number, named.kind, shown, model=name), note=named.what)
            if named.list and (item := re.match(r"""\s*-\s*["']?([\w:/.@-]+)["']?\s*$""", bare)):
                provider = self._who(item[1])
                if provider:
                    yield found_by(
                        Rule(provider=provider, source=named.source, owned=provider == OWN),
                        file,
                        number,
                        named.kind,
                        item[1],
                    )
            _follow(parents, bare)

    def _provider(self, key: str, value: str, named: Named, above: str) -> str | None:
        if key not in named.keys or (named.within and above != named.within):
            return None
        if named.block:
            return self._known.alias(key) if value in ("", "{", "[", "{}") else None
        return self._who(value)

    def _who(self, value: str) -> str | None:
        rule = self._known.routed(value, asked=True) or self._known.model(value, asked=True)
        if rule is not None:
            return rule.provider
        if value in ("sonnet", "opus", "haiku"):
            return "anthropic"
        head = re.split(r"[:/]", value)[0]
        return self._known.alias(value) or (
            self._known.alias(head) if head != value and head not in self._known.places.publishers else None
        )


def without_comments(text: str, suffix: str) -> str:
    """The same lines, without what is said about them."""
    if suffix in _MARKUP:
        return re.sub(r"<!--.*?(?:-->|\Z)", _blank, text, flags=re.DOTALL)
    if suffix == ".json":
        return text
    if suffix in _SLASHES:
        text = re.sub(r"/\*.*?(?:\*/|\Z)", _blank, text, flags=re.DOTALL)
        text = re.sub(r"(?m)(?:^|(?<=\s))//.*$", "", text)
    if suffix in (".ini", ".cfg", ".properties", ".conf"):
        text = re.sub(r"(?m)^\s*[;!].*$", "", text)
    if suffix == ".bicep" or suffix in (".jsonc", ".json5"):
        return text
    return "\n".join(_without_hash(line) if "#" in line else line for line in text.split("\n"))


def lies_at(file: str, pattern: str) -> bool:
    """Whether a path ends as the pattern says; ``*`` stands for anything but a slash."""
    parts, wanted = file.split("/"), pattern.split("/")
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts[-len(wanted) :], wanted))


def _without_hash(line: str) -> str:
    """Up to a ``#`` that begins a comment: at the start or behind white space, and in no quotes."""
    quote = ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#" and (place == 0 or line[place - 1].isspace()):
            return line[:place]
    return line if not quote or "#" not in line else re.sub(r"(?:^|\s)#.*$", "", line)


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def _follow(path: list[tuple[int, str]], line: str) -> bool:
    """Keep the keys above the line. True if the nearest of them names models, and the line is one of its items."""
    indent = len(line) - len(line.lstrip())
    key = _KEY.match(line)
    is_item = line.lstrip().startswith(("-", '"', "'")) and (key is None or not key[3])
    while path and path[-1][0] >= indent and not (is_item and path[-1][0] == indent and line.lstrip().startswith("-")):
        path.pop()
    asked = bool(path) and is_item and re.search(r"(?i)models?$|model_?(?:list|names|ids)$", path[-1][1]) is not None
    if key:
        path.append((indent + (2 if line.lstrip().startswith("- ") else 0), key[2]))
    return asked


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    for match in re.finditer(r"""["']?([A-Za-z][\w.-]*)["']?\s*[:=]\s*(?:["']([^"']*)["']|([\w./:@-]*))""", line):
        yield match[1], match[2] if match[2] is not None else match[3]
    for match in re.finditer(r"""["']?([A-Za-z][\w.-]*)["']?\s*:\s*([{\[])""", line):
        yield match[1], match[2]


def _is_of_commands(file: str) -> bool:
    name = file.rpartition("/")[2].lower()
    return name.startswith(("dockerfile", "containerfile", "makefile", "justfile", "procfile")) or name.endswith(
        ".dockerfile"
    )


def _with_own_keys(found: list[Found]) -> list[Found]:
    """A key beside an address of one's own is a key to that."""
    own = {one.evidence.split("_")[0] for one in found if one.kind is Kind.ENV and one.owned and one.host}
    return [
        replace(one, owned=True, provider=OWN)
        if one.kind is Kind.ENV and not one.owned and one.evidence.split("_")[0] in own
        else one
        for one in found
    ]
