# SPDX-License-Identifier: Apache-2.0
"""A YAML file of acceptance cases, read strictly: what is unknown, missing or impossible is an error with its line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NoReturn

import msgspec

from freehold.continuity.acceptance.checks import (
    CallsNoTool,
    CallsTool,
    Contains,
    FollowsSchema,
    HasLength,
    IsIn,
    Matches,
    NotContains,
    Refuses,
)
from freehold.continuity.acceptance.interface import (
    Ask,
    Case,
    Check,
    Message,
    NotAccepted,
    Results,
    Told,
    Tool,
    Verdict,
)
from freehold.continuity.acceptance.judge import judge
from freehold.continuity.acceptance.language import LANGUAGES
from freehold.continuity.acceptance.schema import Expression, Schema, Unusable
from freehold.continuity.document import Node, blamed, read_document
from freehold.contract.digest import sha256_of

MOST_CASES: Final = 200
_MOST_CHECKS: Final = 32
_MOST_TURNS: Final = 100
_MOST_TOOLS: Final = 64
_MOST_CHARACTERS: Final = 100_000  # of a prompt
_MOST_IN_CHECK: Final = 2000  # characters of a text that is looked for, or of an expression
_MOST_TOKENS: Final = 100_000
_MAX_TOKENS: Final = 512
_HINT: Final = "Correct the file; docs/tasks/accept-a-substitute.md has its format."
_LENGTHS: Final = ("min_characters", "max_characters", "min_words", "max_words")
_ID = re.compile(r"^[a-z0-9][a-z0-9._-]{0,63}\Z")
_TOOL_NAME = re.compile(r"^[A-Za-z0-9_-]{1,64}\Z")
_WHOLE_NUMBER = re.compile(r"^[0-9]{1,9}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """The cases of one file: a ``Suite``."""

    cases: tuple[Case, ...]
    digest: str

    async def run(self, ask: Ask, told: Told) -> Results:
        """One case after the other. Raises NotRun."""
        verdicts: list[Verdict] = []
        for case in self.cases:
            try:
                verdict = judge(case, await ask(case))
            except NotAccepted as refused:
                verdict = Verdict(case=case.id, problems=(refused.why,))
            verdicts.append(verdict)
            told(verdict, len(verdicts))
        return Results(verdicts=tuple(verdicts))


def read_cases(text: str, name: str) -> CaseFile:
    """The cases in the text of a file called ``name``. Raises SettingsError naming the line."""
    root = read_document(text, name, hint=_HINT)
    cases = _Reader(name).cases(root)
    canonical = msgspec.json.encode(root.data(), order="sorted")
    return CaseFile(cases=cases, digest=sha256_of(canonical))


class _Reader:
    """Makes cases of nodes, for one file."""

    def __init__(self, name: str) -> None:
        self._name = name

    def cases(self, root: Node) -> tuple[Case, ...]:
        table = self._table(root, ("cases", "temperature"), required=("cases",))
        temperature = self._temperature(table["temperature"]) if "temperature" in table else 0.0
        cases: dict[str, Case] = {}
        for node in self._list(table["cases"], most=MOST_CASES, what="'cases'"):
            case = self._case(node, temperature)
            if case.id in cases:
                self._fail(node, f"the id {case.id!r} is given twice")
            cases[case.id] = case
        return tuple(cases.values())

    def _case(self, node: Node, temperature: float | None) -> Case:
        known = ("id", "system", "prompt", "messages", "tools", "max_tokens", "checks")
        table = self._table(node, known, required=("id", "checks"))
        tools = (
            tuple(map(self._tool, self._list(table["tools"], most=_MOST_TOOLS, what="'tools'")))
            if ("tools" in table)
            else ()
        )
        checks = self._list(table["checks"], most=_MOST_CHECKS, what="'checks'")
        return Case(
            id=self._named(table["id"], _ID, "an id is of a-z, 0-9 and ._-, at most 64"),
            messages=self._messages(node, table),
            tools=tools,
            max_tokens=self._whole(table["max_tokens"], 1, _MOST_TOKENS) if "max_tokens" in table else _MAX_TOKENS,
            temperature=temperature,
            checks=tuple(check for item in checks for check in self._checks(item, {tool.name for tool in tools})),
        )

    def _messages(self, node: Node, table: Mapping[str, Node]) -> tuple[Message, ...]:
        if ("prompt" in table) == ("messages" in table):
            self._fail(node, "a case has either 'prompt' or 'messages'")
        system = [Message(role="system", content=self._text(table["system"]))] if "system" in table else []
        if "prompt" in table:
            return (*system, Message(role="user", content=self._text(table["prompt"])))
        turns = self._list(table["messages"], most=_MOST_TURNS, what="'messages'")
        messages = [self._message(turn) for turn in turns]
        if messages[-1].role != "user":
            self._fail(turns[-1], "the last message is the user's")
        return (*system, *messages)

    def _message(self, node: Node) -> Message:
        table = self._table(node, ("role", "content"), required=("role", "content"))
        role = self._text(table["role"])
        if role not in ("user", "assistant"):
            self._fail(table["role"], "'role' is user or assistant; the system prompt is the case's 'system'")
        return Message(role=role, content=self._text(table["content"]))

    def _tool(self, node: Node) -> Tool:
        table = self._table(node, ("name", "description", "parameters"), required=("name",))
        parameters: dict[str, object] = {"type": "object", "properties": {}}
        if "parameters" in table:
            parameters, _ = self._schema(table["parameters"])
        return Tool(
            name=self._named(table["name"], _TOOL_NAME, "a tool's name is of letters, digits, _ and -, at most 64"),
            description=self._text(table["description"]) if "description" in table else "",
            parameters=parameters,
        )

    def _checks(self, node: Node, tools: set[str]) -> list[Check]:
        table = self._table(node, tuple(_CHECKS), required=())
        if len(table) != 1:
            self._fail(node, f"a check is one of {', '.join(_CHECKS)}")
        ((kind, value),) = table.items()
        checks = _CHECKS[kind](self, value)
        for check in checks:
            if isinstance(check, CallsTool) and check.name not in tools:
                self._fail(value, f"the case has no tool {check.name[:64]!r}")
        return checks

    def contains(self, node: Node) -> list[Check]:
        return [Contains(text=text) for text in self._texts(node)]

    def not_contains(self, node: Node) -> list[Check]:
        return [NotContains(text=text) for text in self._texts(node)]

    def matches(self, node: Node) -> list[Check]:
        pattern = self._text(node, most=_MOST_IN_CHECK)
        try:
            return [Matches(pattern=pattern, expression=Expression(pattern))]
        except Unusable as unusable:
            self._fail(node, unusable.what)

    def json_schema(self, node: Node) -> list[Check]:
        schema, validator = self._schema(node)
        return [FollowsSchema(schema=schema, validator=validator)]

    def tool_called(self, node: Node) -> list[Check]:
        if node.value == "false" and not node.quoted:
            return [CallsNoTool()]
        if isinstance(node.value, str):
            return [CallsTool(name=self._text(node))]
        table = self._table(node, ("name", "arguments", "match"), required=("name",))
        match = self._text(table["match"]) if "match" in table else "subset"
        if match not in ("subset", "exact"):
            self._fail(table["match"], "'match' is subset or exact")
        arguments = table["arguments"].data() if "arguments" in table else None
        if arguments is not None and not isinstance(arguments, dict):
            self._fail(table["arguments"], "'arguments' is a mapping")
        if match == "exact" and arguments is None:
            self._fail(node, "what is to match exactly has 'arguments'")
        return [CallsTool(name=self._text(table["name"]), arguments=arguments, exact=match == "exact")]

    def refusal(self, node: Node) -> list[Check]:
        value = node.data()
        if not isinstance(value, bool):
            self._fail(node, "'refusal' is true or false")
        return [Refuses(refuses=value)]

    def length(self, node: Node) -> list[Check]:
        bounds = {name: self._whole(value, 0, 10**9) for name, value in self._table(node, _LENGTHS, ()).items()}
        if not bounds:
            self._fail(node, f"'length' has at least one of {', '.join(_LENGTHS)}")
        for unit in ("characters", "words"):
            if bounds.get(f"min_{unit}", 0) > bounds.get(f"max_{unit}", 10**9):
                self._fail(node, f"min_{unit} is more than max_{unit}")
        return [HasLength(**bounds)]

    def language(self, node: Node) -> list[Check]:
        language = self._text(node)
        if language not in LANGUAGES:
            self._fail(node, f"'language' is an ISO 639-1 code, one of {', '.join(sorted(LANGUAGES))}")
        return [IsIn(language=language)]

    def _schema(self, node: Node) -> tuple[dict[str, object], Schema]:
        schema = node.data()
        if not isinstance(schema, dict):
            self._fail(node, "a JSON Schema is a mapping")
        try:
            return schema, Schema(schema)
        except Unusable as unusable:
            self._fail(node, unusable.what)

    def _table(self, node: Node, known: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Node]:
        if not isinstance(node.value, dict):
            self._fail(node, f"this is a mapping with {', '.join(known)}")
        for name, value in node.value.items():
            if name not in known:
                self._fail(value, f"unknown key {name[:60]!r}; there are {', '.join(known)}")
        for name in required:
            if name not in node.value:
                self._fail(node, f"lacks {name!r}")
        return node.value

    def _list(self, node: Node, *, most: int, what: str) -> list[Node]:
        if not isinstance(node.value, list) or not node.value:
            self._fail(node, f"{what} is a list of at least one")
        if len(node.value) > most:
            self._fail(node, f"{what} has more than {most}")
        return node.value

    def _text(self, node: Node, *, most: int = _MOST_CHARACTERS) -> str:
        if not isinstance(node.value, str) or not node.value.strip():
            self._fail(node, "this is text, and not empty")
        if len(node.value) > most:
            self._fail(node, f"this is longer than {most} characters")
        return node.value

    def _texts(self, node: Node) -> list[str]:
        items = self._list(node, most=_MOST_CHECKS, what="this") if isinstance(node.value, list) else [node]
        return [self._text(item, most=_MOST_IN_CHECK) for item in items]

    def _named(self, node: Node, form: re.Pattern[str], what: str) -> str:
        if not isinstance(node.value, str) or not form.match(node.value):
            self._fail(node, what)
        return node.value

    def _whole(self, node: Node, least: int, most: int) -> int:
        if isinstance(node.value, str) and _WHOLE_NUMBER.match(node.value) and least <= int(node.value) <= most:
            return int(node.value)
        return self._fail(node, f"this is a whole number from {least} to {most}")

    def _temperature(self, node: Node) -> float | None:
        value = node.data()
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2):
            return value
        return self._fail(node, "'temperature' is a number from 0 to 2, or null: then none is sent")

    def _fail(self, node: Node, what: str) -> NoReturn:
        raise blamed(self._name, node, what, hint=_HINT)


_CHECKS: Mapping[str, Callable[[_Reader, Node], list[Check]]] = {
    "contains": _Reader.contains,
    "not_contains": _Reader.not_contains,
    "matches": _Reader.matches,
    "json_schema": _Reader.json_schema,
    "tool_called": _Reader.tool_called,
    "refusal": _Reader.refusal,
    "length": _Reader.length,
    "language": _Reader.language,
}
