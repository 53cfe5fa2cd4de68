# SPDX-License-Identifier: Apache-2.0
"""Where chat templates hide in a model's JSON: in tokenizer_config.json, in chat_template.json, and wherever else.

Loaders take one text, a list of names with texts, or a table of them. Any other form under such a key is refused.
"""

from collections.abc import Iterator

from freehold.vault.inspect.documents import Node, tables
from freehold.vault.inspect.findings import Finding, Severity
from freehold.vault.inspect.templates.read import ChatTemplate, read_template

_KEY = "chat_template"


def in_document(document: Node, path: str) -> Iterator[ChatTemplate | Finding]:
    """Every template in a document of JSON, at any depth, and a refusal for each that hides in another form."""
    for place, table in tables(document):
        for key, value in table.items():
            if _KEY in key.lower():
                yield from _in_value(value, f"{path}, {place}.{key}" if place else f"{path}, {key}")


def _in_value(node: Node, place: str) -> Iterator[ChatTemplate | Finding]:
    if node is None:
        return
    if isinstance(node, str):
        yield read_template(node, name="default", place=place)
    elif isinstance(node, dict) and all(isinstance(text, str) for text in node.values()):
        for name, text in node.items():
            yield read_template(str(text), name=name, place=f"{place}.{name}")
    elif isinstance(node, list) and all(_is_named(item) for item in node):
        for item in node:
            named = item if isinstance(item, dict) else {}
            name = str(named["name"])
            yield read_template(str(named["template"]), name=name, place=f"{place}.{name}")
    else:
        yield Finding(
            severity=Severity.REFUSED,
            rule="template.form",
            place=place,
            message="a chat template is one text, or a list of names with texts; this is neither",
        )


def _is_named(item: Node) -> bool:
    return (
        isinstance(item, dict) and set(item) == {"name", "template"} and all(isinstance(v, str) for v in item.values())
    )
