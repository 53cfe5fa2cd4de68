# SPDX-License-Identifier: Apache-2.0
"""What the simulator says: by the script that a test sets, else by the model's name, ``sim-SCRIPT``."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from tests.simulator.asked import Asked
from tests.simulator.examples import example
from tests.simulator.said import Call, Finish, Part, Refusal, Said, Shards, Text, Thought, Usage

HELLO = "Grüße aus Zürich, 你好 🙂, all is well."
TALE = 'Grüße aus Zürich:\n\n 你好 🙂, "all is well" \\ and so on; two  blanks, <b>&amp;</b>, and then the end.'
LOOKING = "I will look it up."
THOUGHT = "Let me see: what would be a good answer?"
DECLINED = "I will not help with that."
LONG_PIECES = 400

Script = Callable[[Asked], Said]


def _text(asked: Asked) -> Said:
    return Said(parts=(Text(HELLO),))


def _echo(asked: Asked) -> Said:
    return Said(parts=(Text(asked.last),))


def _system(asked: Asked) -> Said:
    return Said(parts=(Text(f"I was told: {asked.system}"),))


def _tool(asked: Asked) -> Said:
    """One call of the tool that was named, else of the first; once there are results, what they say."""
    return _calls(asked, 1)


def _tools(asked: Asked) -> Said:
    """Two calls at once, where that is allowed."""
    return _calls(asked, 2 if asked.parallel else 1)


def _pieces(asked: Asked) -> Said:
    """A call in pieces."""
    said = _calls(asked, 1)
    return Said(parts=said.parts, finish=said.finish, in_pieces=True)


def _talk(asked: Asked) -> Said:
    """Some words, and then a call."""
    said = _calls(asked, 1)
    return Said(parts=(Text("I will look it up."), *said.parts), finish=said.finish)


def _calls(asked: Asked, count: int) -> Said:
    if asked.results:
        heard = (
            f"{result.call_id} {'failed' if result.is_error else 'said'}: {result.text}" for result in asked.results
        )
        return Said(parts=(Text("; ".join(heard)),))
    tools = [tool for tool in asked.tools if asked.choice in {tool.name, "auto", "any"}]
    if not tools:
        return Said(parts=(Text("I have no tools."),))
    called = (tools * count)[:count]
    parts = tuple(Call(tool.name, json.dumps(example(tool.schema), ensure_ascii=False)) for tool in called)
    return Said(parts=parts, finish=Finish.TOOLS)


def _image(asked: Asked) -> Said:
    return Said(parts=(Text("I see " + ", ".join(map(str, asked.pictures))),))


def _schema(asked: Asked) -> Said:
    """An answer that follows the schema which was asked for."""
    text = json.dumps(example(asked.schema), ensure_ascii=False) if asked.schema else "I was given no schema."
    return Said(parts=(Text(text),))


def _thinking(asked: Asked) -> Said:
    """Thinks first, and shows it where it was asked to."""
    thought: tuple[Part, ...] = (Thought(THOUGHT),) if asked.thinks else ()
    return Said(parts=(*thought, Text(HELLO)), usage=Usage(output=35, reasoning=12))


def _think_and_call(asked: Asked) -> Said:
    thought: tuple[Part, ...] = (Thought(THOUGHT),) if asked.thinks else ()
    said = _calls(asked, 1)
    return Said(parts=(*thought, *said.parts), finish=said.finish, usage=Usage(output=35, reasoning=12))


def _refusal(asked: Asked) -> Said:
    return Said(parts=(Refusal(DECLINED),), finish=Finish.REFUSAL)


def _length(asked: Asked) -> Said:
    return Said(parts=(Text(HELLO[:20]),), finish=Finish.LENGTH)


def _stop(asked: Asked) -> Said:
    """Ends at the first of the caller's stop sequences."""
    return Said(parts=(Text("One, two, "),), finish=Finish.SEQUENCE, sequence=next(iter(asked.stop), ""))


def _prefill(asked: Asked) -> Said:
    """Goes on from what the assistant said last."""
    return Said(parts=(Text(f"after {len(asked.prefill)} characters."),))


def _long(asked: Asked) -> Said:
    return Said(parts=(Text("".join(f"word{number} " for number in range(LONG_PIECES)).rstrip()),))


def _tale(asked: Asked) -> Said:
    """A text known to every model that has this script, so that one goes on with it where another broke off."""
    return _going_on(asked, TALE)


def _tale_thought(asked: Asked) -> Said:
    """The same, thought about before its beginning."""
    thought: tuple[Part, ...] = () if asked.prefill or not asked.thinks else (Thought(THOUGHT),)
    said = _going_on(asked, TALE)
    return replace(said, parts=(*thought, *said.parts), usage=replace(said.usage, reasoning=len(thought)))


def _tale_call(asked: Asked) -> Said:
    """Some words, and then a call in pieces."""
    said, called = _going_on(asked, LOOKING), _calls(asked, 1)
    return replace(said, parts=(*said.parts, *called.parts), finish=called.finish, in_pieces=True)


def _tale_schema(asked: Asked) -> Said:
    return _going_on(asked, json.dumps(example(asked.schema), ensure_ascii=False) if asked.schema else "no schema")


def _going_on(asked: Asked, text: str) -> Said:
    """The rest of the text. A token is a piece of it."""
    before = asked.prefill
    if not text.startswith(before):
        return Said(parts=(Text(f"I do not know what goes on from {before!r}."),))
    rest = Shards(text.removeprefix(before))
    usage = Usage(input=Usage().input + len(Shards(before).pieces), output=len(rest.pieces))
    spoken = Shards(text) if asked.repeats_prefill else rest
    return Said(parts=(spoken,) if spoken.text else (), usage=usage)


SCRIPTS: Mapping[str, Script] = MappingProxyType(
    {
        "text": _text,
        "echo": _echo,
        "system": _system,
        "tool": _tool,
        "tools": _tools,
        "pieces": _pieces,
        "talk": _talk,
        "image": _image,
        "schema": _schema,
        "thinking": _thinking,
        "think-and-call": _think_and_call,
        "refusal": _refusal,
        "length": _length,
        "stop": _stop,
        "prefill": _prefill,
        "long": _long,
        "tale": _tale,
        "tale-thought": _tale_thought,
        "tale-call": _tale_call,
        "tale-schema": _tale_schema,
    }
)

DEFAULT_MODEL = "sim"
REASONERS = frozenset(
    {"sim-thinking", "sim-think-and-call", "sim-tale-thought"}
)  # the models that can be told how much to reason
MODELS = frozenset({DEFAULT_MODEL, *(f"{DEFAULT_MODEL}-{name}" for name in SCRIPTS)})


def script_of(model: str) -> Script:
    """The script that the model's name asks for."""
    return SCRIPTS.get(model.removeprefix(f"{DEFAULT_MODEL}-"), _text)
