# SPDX-License-Identifier: Apache-2.0
"""A program, read as a tree: what it imports, which clients it makes and where those go, what it asks of them.

Nothing of it is imported or run. What stands in comments and in the texts of documentation is no dependency.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from ast_grep_py import SgNode, SgRoot

from freehold.assess.exposure.calls import (
    KEYWORD,
    MOST_CHARACTERS,
    all_of,
    assigned_to,
    declaring,
    ends_of,
    fields_of,
    masked,
    parts_of,
    span_of,
)
from freehold.assess.exposure.finding import OWN, UNKNOWN_PROVIDER, Found, found_by
from freehold.assess.exposure.hosts import URL, Address, read_url
from freehold.assess.exposure.knowledge import Certainty, Kind, Knowledge, Rule
from freehold.assess.exposure.languages import Bound, Language
from freehold.assess.exposure.lines import Context, Lines
from freehold.assess.exposure.reading import Text

_NAMED_CLIENT: Final = re.compile(
    r"""\b(?:client|resource|create_client)\s*\(\s*(?:service_name\s*=\s*)?["']([\w-]+)["']"""
)
_ADDRESS: Final = re.compile(  # a string, or the one that a call such as getenv falls back on
    r"""(?:[^,;)\n]{0,120}?|[\w.]+\([^;)\n]{0,160}?)["'`]((?:https?://|localhost)[^"'`\s]*)["'`]"""
)
_QUOTES: Final = re.compile(r"""^(?:[rbfuRBFU@$]{0,2})["'`]+|["'`]+$""")
_LOCAL: Final = re.compile(r"^(?:\.{0,2}/|~|[A-Za-z]:\\|file:)")


@dataclass(slots=True)
class _Client:
    """What a name stands for: an import, or a client that was made. ``made`` is false for the former."""

    rule: Rule
    module: str = ""
    made: bool = False
    owned: bool = False


@dataclass(slots=True)
class _Program:
    """One file while it is read."""

    file: str
    text: Text
    language: Language
    names: dict[str, _Client] = field(default_factory=dict)
    found: list[Found] = field(default_factory=list)
    made: list[bool] = field(default_factory=list)  # of each client whether it is one's own
    constants: dict[str, str] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)


class Code:
    """The rules that look at programs."""

    def __init__(self, known: Knowledge, lines: Lines) -> None:
        self._known = known
        self._lines = lines
        places = known.places
        self._tails = frozenset(places.calls)
        self._deepest = max(chain.count(".") for chain in places.calls) + 1
        self._telling = {chain: provider for provider, chains in places.telling.items() for chain in chains}
        self._fetches = {name: fetch for fetch in places.fetches for name in fetch.calls}
        self._url_arguments = frozenset(places.base_url_arguments)
        self._model_arguments = re.compile(
            rf"""["'`]?\b(?:{"|".join(map(re.escape, places.model_arguments))})["'`]?\s*"""
            r"""(?:=|:|=>|\()\s*(?:\w+\(\s*)?[\["'`(]*\s*$"""
        )

    def read(self, text: Text, file: str, language: Language, siblings: frozenset[str], offset: int = 0) -> list[Found]:
        """``siblings``: modules beside the file, which go before packages of their names; ``offset``: lines above."""
        root = SgRoot(text.text, language.grammar).root()
        program = _Program(file, text, language)
        comments, strings = self._sorted_out(root, language)
        self._imports(program, root, siblings)
        self._constants(program)
        self._calls(program, root)
        self._texts(program, strings)
        self._variables(program, comments)
        found = _without_own(program)
        return [replace(one, line=one.line + offset) for one in found] if offset else found

    @staticmethod
    def _sorted_out(root: SgNode, language: Language) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Where comments are, and where strings are that are no documentation."""
        comments = [span_of(node) for node in all_of(root, language.comments)]
        strings = []
        for node in all_of(root, language.strings):
            parent = node.parent()
            if language.name == "python" and parent is not None and parent.kind() == "expression_statement":
                comments.append(span_of(node))
            else:
                strings.append(span_of(node))
        return comments, strings

    def _imports(self, program: _Program, root: SgNode, siblings: frozenset[str]) -> None:
        language = program.language
        nodes = [(node, node.text()) for node in all_of(root, language.imports)]
        if language.name == "javascript":
            calls = ((node, node.text()) for node in all_of(root, ("call_expression",)))
            nodes += [
                (declaring(node), declaring(node).text())
                for node, text in calls
                if re.match(r"(?:require|import)\s*\(", text)
            ]
        if language.name == "ruby":
            nodes += [(node, text) for node in all_of(root, ("call",)) if (text := node.text()).startswith("require")]
        for node, written in nodes:
            for bound in language.read(written[:MOST_CHARACTERS]):
                if bound.module.partition(".")[0] not in siblings:
                    self._import(program, bound, node.range().start.line + 1, written)

    def _import(self, program: _Program, bound: Bound, line: int, written: str) -> None:
        program.modules.add(re.split(r"[./:\\]", bound.module)[0])
        last = re.split(r"[./:\\]+", bound.module)[-1]
        rule = self._known.names.get(program.language.name, {}).get(last) if bound.name else None
        rule = rule or self._known.module(program.language.name, bound.module)
        if rule is None:
            return
        evidence = re.sub(r"\s+", " ", written.strip().rstrip(";"))
        evidence = evidence if len(evidence) <= 100 else f"{bound.module}"
        program.found.append(found_by(rule, program.file, line, Kind.CODE, evidence))
        if bound.name:
            program.names[bound.name] = _Client(rule, bound.module, owned=rule.owned)

    @staticmethod
    def _constants(program: _Program) -> None:
        for match in re.finditer(
            r"""(?m)^[ \t]*(?:(?:export|const|let|var|final|static|private|public|readonly|String|string)\s+)*\$?(\w+)\s*(?::\s*\w+\s*)?(?::=|=)\s*["'`](https?://[^"'`\s]+)["'`]""",
            program.text.text,
        ):
            program.constants.setdefault(match[1], match[2])

    def _calls(self, program: _Program, root: SgNode) -> None:
        classes = self._known.names.get(program.language.name, {})
        calls = [(node, *parts_of(node)) for node in all_of(root, program.language.calls)]
        calls = [(node, callee, arguments) for node, callee, arguments in calls if callee]
        for node, callee, arguments in calls:
            if program.language.name in ("php", "rust"):
                self._by_path(program, node, callee)
            client = self._making(program, callee, arguments, classes)
            if client is not None:
                self._made(program, node, callee, arguments, client)
        self._declared(program)
        for node, callee, arguments in calls:
            self._asked(program, node, callee, arguments)
            self._fetched(program, node, callee, arguments)

    def _by_path(self, program: _Program, node: SgNode, callee: str) -> None:
        """``async_openai::Client::new()`` and ``OpenAI::client()`` need no import."""
        raw = node.text()[:200].removeprefix("new ").lstrip("\\ ")
        if path := re.match(r"[\w\\]+(?:::[\w]+)*", raw):
            head = path[0].rpartition("::")[0] or path[0]
            rule = self._known.module(program.language.name, head) if ("::" in head or "\\" in head) else None
            if rule is not None and callee.partition(".")[0] not in program.names:
                program.names[re.split(r"::|\\", callee)[0].partition(".")[0]] = _Client(rule, head)

    def _making(self, program: _Program, callee: str, arguments: str, classes: dict[str, Rule]) -> _Client | None:
        """The import or the class whose client this call makes."""
        if (service := _NAMED_CLIENT.search(f"{callee}({arguments[:200]}")) and service[1] in self._known.clients:
            return _Client(self._known.clients[service[1]])
        head, _, tail = callee.partition(".")
        known = program.names.get(head)
        while known is None and tail and (longer := head + "." + tail.partition(".")[0]) != head:
            head, tail = longer, tail.partition(".")[2]
            known = program.names.get(head)
        named = next((classes[name] for name in ends_of(callee.removesuffix(".new")) if name in classes), None)
        if known is not None and not known.made:
            if named is not None and not known.rule.kind:
                return _Client(named)
            last = callee.rpartition(".")[2]
            makes = last[:1].isupper() or last in _MAKERS or not tail
            return known if makes and _is_client(callee, known, program.language) else None
        if named is None or (known is not None and known.made):
            return None
        return _Client(_among_imports(program, named))

    def _made(self, program: _Program, node: SgNode, callee: str, arguments: str, client: _Client) -> None:
        line = node.range().start.line + 1
        address = self._destination(program, arguments)
        rule, owned = client.rule, client.rule.owned
        if address is not None:
            known = self._lines.destination(address)
            owned = address.owned
            rule = replace(rule, provider=known.provider) if known and not rule.owned else rule
            if known is None and not owned:
                rule = replace(
                    rule,
                    provider=UNKNOWN_PROVIDER,
                    certainty=Certainty.MEDIUM,
                    note="no facts name its host",
                    owned=False,
                )
        elif rule.owned:
            address = None
        found = found_by(rule, program.file, line, Kind.CODE, _shown(callee), owned=owned)
        fields = fields_of(arguments)
        program.found.append(replace(found, host=address.host if address else "", features=fields if address else ()))
        if address is not None and self._lines.destination(address) is None:
            at = Context(program.file, self._line_of(node, address, line), code=True)
            program.found.append(self._lines.stranger(address, at))
        program.made.append(owned)
        if target := assigned_to(node):
            program.names[target] = _Client(rule, client.module, made=True, owned=owned)

    @staticmethod
    def _line_of(node: SgNode, address: Address, line: int) -> int:
        """Where in a call its address stands."""
        for number, written in enumerate(node.text().split("\n")):
            if address.host in written:
                return line + number
        return line

    def _destination(self, program: _Program, arguments: str) -> Address | None:
        for match in KEYWORD.finditer(arguments):
            if match[1] in self._url_arguments:
                rest = arguments[match.end() : match.end() + 300]
                if found := _ADDRESS.match(rest):
                    return read_url(found[1] if "://" in found[1] else f"http://{found[1]}")
                name = re.match(r"[\w.$]+", rest)
                if name and (url := program.constants.get(name[0].rpartition(".")[2].lstrip("$"))):
                    return read_url(url)
        chained = re.search(
            r"""(?:With(?:Base|API)?URL|withBase(?:Url|Uri)|baseUrl|with_api_base|endpoint|new Uri|Uri)\(\s*(?:URI\.create\()?["']((?:https?://)[^"']*)["']""",
            arguments,
        )
        return read_url(chained[1]) if chained else None

    def _declared(self, program: _Program) -> None:
        """Variables and parameters that are declared with a class that is known."""
        for name, client in list(program.names.items()):
            if (
                client.made
                or not re.fullmatch(r"[A-Z]\w+|[a-z]\w+", name)
                or (name[0].islower() and program.language.name != "go")
            ):
                continue
            for variable in re.findall(program.language.typed.replace("{name}", re.escape(name)), program.text.text):
                program.names.setdefault(variable, _Client(client.rule, client.module, made=True, owned=client.owned))

    def _asked(self, program: _Program, node: SgNode, callee: str, arguments: str) -> None:
        """A call of the API, on a client that is known, or one that is telling by itself."""
        tail = next((tail for tail in ends_of(callee, self._deepest) if tail in self._tails), None)
        if tail is None:
            return
        client = _owner(program.names, callee.removesuffix(tail).rstrip("."))
        line = node.range().start.line + 1
        fields = tuple(sorted({*fields_of(arguments), f"call:{tail}"}))
        if client is not None:
            if client.rule.kind not in (None, Kind.GATEWAY):
                return
            found = found_by(client.rule, program.file, line, Kind.CODE, _shown(callee), owned=client.owned)
            program.found.append(replace(found, features=fields))
        elif tail in self._telling and not _others(program):
            rule = Rule(
                provider=self._telling[tail], source="", certainty=Certainty.MEDIUM, note="its client is made elsewhere"
            )
            program.found.append(
                replace(found_by(rule, program.file, line, Kind.CODE, _shown(callee)), features=fields)
            )

    def _fetched(self, program: _Program, node: SgNode, callee: str, arguments: str) -> None:
        name = callee.rpartition(".")[2]
        fetch = self._fetches.get(name)
        if fetch is None or (fetch.modules and not program.modules & set(fetch.modules)):
            return
        if program.language.name not in ("python", "javascript"):
            return
        what = self._fetched_name(program, arguments, fetch.argument, named=fetch.named)
        if fetch.modules:
            what = what or name
        elif what is None or not _is_repository(
            what, short=name in ("SentenceTransformer", "from_pretrained", "CrossEncoder")
        ):
            return
        line = node.range().start.line + 1
        owned = "local_files_only=True" in arguments.replace(" ", "") or _LOCAL.match(what) is not None
        rule = Rule(provider=fetch.provider, source=fetch.source, kind=Kind.HUB_DOWNLOAD)
        program.found.append(
            found_by(rule, program.file, line, Kind.HUB_DOWNLOAD, f"{name}({what})"[:120], owned=owned)
        )

    @staticmethod
    def _fetched_name(program: _Program, arguments: str, called: Iterable[str], *, named: bool) -> str | None:
        if match := re.search(rf"""\b(?:{"|".join(called)})\s*[=:]\s*["']([^"']+)["']""", arguments):
            return match[1]
        if named:
            if program.language.name == "javascript" and (
                match := re.match(r"""\s*["'][^"']*["']\s*,\s*["']([^"']+/[^"']+)["']""", arguments)
            ):
                return match[1]
            return None
        if match := re.match(r"""\s*["']([^"']+)["']""", arguments):
            return match[1]
        name = re.match(r"\s*(?:self\.)?(\w+)\s*[,)]?", arguments)
        found = name and re.search(
            rf"""(?m)\b{name[1]}\s*(?::\s*str\s*)?=\s*["']([\w.-]+/[\w.-]+)["']""", program.text.text
        )
        return found[1] if found else None

    def _texts(self, program: _Program, strings: list[tuple[int, int]]) -> None:
        """Endpoints, and names of models, in strings."""
        text = program.text
        for start, end in strings:
            content = text.text[start:end]
            if len(content) < 4:
                continue
            number = text.line_at(start)
            line_start = text.text.rfind("\n", 0, start) + 1
            before = text.text[line_start:start][-160:]
            for line in content.split("\n"):
                self._text(program, line, before, Context(program.file, number, code=True))
                before, number = "", number + 1

    def _text(self, program: _Program, line: str, before: str, at: Context) -> None:
        if "." in line:
            if URL.search(line) and not before.rstrip().endswith(("require(", "from", "import(")):
                program.found += self._lines.endpoints(before[-60:].rsplit(",", maxsplit=1)[-1] + line, at)
            else:
                program.found += self._lines.endpoints(line, at)
        bare = _QUOTES.sub("", line.strip())
        asked = self._model_arguments.search(before) is not None or _NAMED_MODEL.search(before) is not None
        if re.fullmatch(r"[\w.:/@+-]{2,160}", bare):
            program.found += self._lines.named(bare, at, asked=asked)
        elif "model" in line.lower() and ("-" in line or "/" in line):
            program.found += self._lines.models(line, at)
        if ":" in line or "." in line:
            program.found += self._lines.resources(line, at)

    def _variables(self, program: _Program, comments: list[tuple[int, int]]) -> None:
        plain = masked(program.text.text, comments)
        for number, line in enumerate(plain.split("\n"), start=1):
            program.found += self._lines.variables(line, Context(program.file, number, code=True))


_MAKERS: Final = frozenset(
    {
        *(
            "new",
            "client",
            "factory",
            "configure",
            "init",
            "NewClient",
            "NewClientWithConfig",
            "New",
            "builder",
            "fromEnv",
            "from_env",
        ),
        *(
            "NewFromConfig",
            "Client",
            "run",
            "stream",
            "from_conf",
            "from_config",
            "create_client",
            "connect",
            "getInstance",
            "query",
        ),
        *(
            "create_async",
            "wrap_openai",
            "instrument",
            "login",
            "init_chat_model",
            "create",
            "with_config",
            "default",
            "NewFromEnv",
        ),
    }
)
_NAMED_MODEL: Final = re.compile(
    r"""(?i)\b\w*models?(?:_?(?:name|id))?["']?\]?\s*(?:=|:|=>|\|\||\?\?|or|,|:=)\s*(?:\w+(?:\.\w+)*\(\s*["'\w]*\s*,?\s*)?[\[{(]*\s*$"""
)
_CLIENTS: Final = re.compile(
    r"(?:Client\w*|Models?|AI|Chat\w*|Embeddings?|LLM|Llm|API|Api|Service|Rerank\w*|Index|Store|SDK|Agent|Retriever|Runtime|Memory|Tracer|Handler)$"
    r"|OpenAI|Anthropic|Claude|Gemini|Vertex|Bedrock|Mistral|Cohere|Groq|Langfuse|Pinecone|Command$"
)
_TYPES: Final = re.compile(
    r"(?:Error|Exception|Params?|Request|Message|Config|Options|Type|Response|Role|Prompt|Schema|Part|Content|Tool|Args|Builder)s?$"
)


def _among_imports(program: _Program, named: Rule) -> Rule:
    """Azure's library has classes of the same names as OpenAI's: whichever is imported is meant."""
    imported = {one.provider for one in program.found}
    if named.provider == "openai" and "azure-openai" in imported and "openai" not in imported:
        return replace(named, provider="azure-openai")
    return named


def _is_client(callee: str, known: _Client, language: Language) -> bool:
    """Whether it is a client that is made, and no value or error of the library."""
    head, last = callee.partition(".")[0], callee.rpartition(".")[2]
    if _TYPES.search(last) or _TYPES.search(head):
        return False
    if last in _MAKERS or language.name in ("go", "rust") or known.rule.kind is Kind.HUB_DOWNLOAD:
        return True
    vendor = re.split(r"[._/:\\@-]+", known.module.lstrip("@"))[0].lower()
    behind = re.split(r"[./:\\]+", known.module)[-1]  # an alias
    names = {last, behind} if "." not in callee else {last}
    made = any(name[:1].isupper() or name.startswith(("create", "new", "make", "get", "wrap")) for name in names)
    return made and any(_CLIENTS.search(name) or vendor in name.lower() for name in names)


def _owner(names: dict[str, _Client], chain: str) -> _Client | None:
    """Whose a chain is: by its longest beginning that has a name."""
    while chain:
        if found := names.get(chain):
            return found
        chain = chain.rpartition(".")[0]
    return None


def _is_repository(what: str, *, short: bool) -> bool:
    """Whether it names something at a hub, or a folder: owner and name, or a name that the library completes."""
    if _LOCAL.match(what) or what.startswith("/"):
        return True
    return re.fullmatch(r"[\w.-]+/[\w.-]+", what) is not None or (
        short and re.fullmatch(r"[A-Za-z][\w.-]{3,}", what) is not None
    )


def _others(program: _Program) -> bool:
    """Whether the file knows clients of anybody: then a chain on none of them is something else's."""
    return any(not client.rule.kind for client in program.names.values())


def _shown(callee: str) -> str:
    return f"{callee[-80:]}(...)"


def _without_own(program: _Program) -> list[Found]:
    """Where all clients go to one's own endpoints, what leads to them is one's own, too."""
    if not program.made or not all(program.made):
        return program.found
    kinds = (Kind.CODE, Kind.MODEL, Kind.ENV)
    return [
        replace(one, owned=True, provider=OWN) if one.kind in kinds and not one.owned else one for one in program.found
    ]
