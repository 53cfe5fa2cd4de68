# SPDX-License-Identifier: Apache-2.0
"""The languages that are read as trees: what imports, calls, strings and comments are called, and what they bind."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Bound:
    """A module that is imported, and the name under which the file knows it; empty: under none of its own."""

    module: str
    name: str = ""


Imports = Callable[[str], Iterator[Bound]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language, by the words of its grammar."""

    name: str  # as the rules call it
    grammar: str
    imports: tuple[str, ...]
    read: Imports
    calls: tuple[str, ...]
    strings: tuple[str, ...]
    comments: tuple[str, ...] = ("comment",)
    typed: str = r"\b{name}\??\s+(\w+)\s*[;=,)]"  # a variable that is declared with a type


_AS: Final = re.compile(r"\s+as\s+")


def _python(text: str) -> Iterator[Bound]:
    text = re.sub(r"#[^\n]*", "", text).replace("\\\n", " ")
    if match := re.match(r"from\s+([\w.]+)\s+import\s+(.*)", text, re.DOTALL):
        module = match[1]
        if module.startswith("."):
            return
        for part in match[2].strip("() \n\t,").split(","):
            name, _, alias = part.strip().partition(" as ")
            if name.strip():
                yield Bound(f"{module}.{name.strip()}", (alias or name).strip())
        return
    for part in text.removeprefix("import").split(","):
        name, _, alias = part.strip().partition(" as ")
        if name:
            yield Bound(name.strip(), alias.strip() or name.strip())


def _javascript(text: str) -> Iterator[Bound]:
    source = re.search(r"""(?:from|import|require)\s*\(?\s*["'`]([^"'`]+)["'`]""", text)
    if source is None or source[1].startswith((".", "/", "~", "#")):
        return
    module = source[1].removeprefix("npm:").removeprefix("jsr:")
    module = re.sub(
        r"^https://(?:esm\.sh|cdn\.skypack\.dev|cdn\.jsdelivr\.net/npm|unpkg\.com|deno\.land/x)/", "", module
    )
    module = re.sub(r"(?<=.)@v?[\w.^~-]+(?=/|$)", "", module)
    yield Bound(module)
    clause = text[: source.start()]
    for name in re.findall(r"\{([^}]*)\}", clause):
        for part in name.split(","):
            pieces = _AS.split(part.strip().removeprefix("type "))
            if pieces[-1]:
                yield Bound(module, pieces[-1].strip().split(":")[-1].strip())
    rest = re.sub(r"\{[^}]*\}", "", clause.removeprefix("import").removeprefix("export"))
    for part in rest.replace("type ", " ").split(","):
        name = _AS.split(part.strip())[-1].strip(" *")
        if re.fullmatch(r"[\w$]+", name):
            yield Bound(module, name)


def _go(text: str) -> Iterator[Bound]:
    match = re.match(r'\s*([\w.]+)?\s*["`]([^"`]+)["`]', text)
    if match is None:
        return
    parts = [part for part in match[2].split("/") if not re.fullmatch(r"v\d+", part)]
    guess = re.sub(r"^go-|[-.]go$|\.v\d+$", "", parts[-1]).replace("-", "_") if parts else ""
    alias = match[1] or guess
    yield Bound(match[2], "" if alias in ("_", ".") else alias)
    if not match[1] and "_" in guess:
        yield Bound(match[2], guess.split("_")[0])


def _dotted(text: str) -> Iterator[Bound]:
    body = re.sub(r"^(?:global\s+)?(?:import|using)\s+(?:static\s+)?", "", text.strip()).rstrip("; \n")
    alias = ""
    if match := re.match(r"(\w+)\s*=\s*(.+)", body):  # C#: using Name = Space.Type
        alias, body = match[1], match[2]
    if match := re.match(r"(.+?)\s+as\s+(\w+)$", body):  # Kotlin
        body, alias = match[1], match[2]
    module = body.removeprefix("global::").removesuffix(".*").strip()
    if re.fullmatch(r"[\w.]+", module):
        last = module.rpartition(".")[2]
        yield Bound(module, alias or (last if last[:1].isupper() else ""))


def _ruby(text: str) -> Iterator[Bound]:
    if match := re.match(r"""require\s*\(?\s*["']([\w/.-]+)["']""", text):
        yield Bound(match[1])


def _rust(text: str) -> Iterator[Bound]:
    body = re.sub(r"^(?:pub(?:\([^)]*\))?\s+)?(?:use|extern\s+crate)\s+", "", text.strip()).rstrip("; \n")
    head = body.partition("{")[0].rstrip(": ")
    inner = body.partition("{")[2]
    module, _, alias = head.partition(" as ")
    yield Bound(module.removesuffix("::*"), alias.strip() or module.rpartition("::")[2])
    for name in re.findall(r"(\w+)\s*(?=[,}\s]|$)", inner):
        yield Bound(f"{module}::{name}", name)


def _php(text: str) -> Iterator[Bound]:
    body = re.sub(r"^use\s+(?:function\s+|const\s+)?", "", text.strip()).rstrip("; \n")
    head, _, group = body.partition("{")
    for part in group.rstrip("} ").split(",") if group else head.split(","):
        name, _, alias = part.strip().partition(" as ")
        module = f"{head if group else ''}{name}".strip().lstrip("\\")
        if re.fullmatch(r"[\w\\]+", module):
            yield Bound(module, alias.strip() or module.rpartition("\\")[2])


_PYTHON: Final = Language(
    name="python",
    grammar="python",
    imports=("import_statement", "import_from_statement"),
    read=_python,
    calls=("call",),
    strings=("string",),
    typed=r"\b(\w+)\s*:\s*(?:Optional\[|\"|')?{name}\b",
)
_JAVASCRIPT: Final = Language(
    name="javascript",
    grammar="tsx",
    imports=("import_statement", "export_statement"),
    read=_javascript,
    calls=("call_expression", "new_expression"),
    strings=("string", "template_string"),
    typed=r"\b(\w+)[?!]?\s*:\s*{name}\b",
)
_JAVA: Final = Language(
    name="java",
    grammar="java",
    imports=("import_declaration",),
    read=_dotted,
    calls=("method_invocation", "object_creation_expression"),
    strings=("string_literal",),
    comments=("line_comment", "block_comment"),
)
_KOTLIN: Final = Language(
    name="java",
    grammar="kotlin",
    imports=("import_header",),
    read=_dotted,
    calls=("call_expression",),
    strings=("string_literal",),
    comments=("line_comment", "multiline_comment"),
    typed=r"\b(\w+)\s*:\s*{name}\b",
)
_CSHARP: Final = Language(
    name="csharp",
    grammar="csharp",
    imports=("using_directive",),
    read=_dotted,
    calls=("invocation_expression", "object_creation_expression", "implicit_object_creation_expression"),
    strings=("string_literal", "verbatim_string_literal", "raw_string_literal", "interpolated_string_expression"),
)
_GO: Final = Language(
    name="go",
    grammar="go",
    imports=("import_spec",),
    read=_go,
    calls=("call_expression",),
    strings=("interpreted_string_literal", "raw_string_literal"),
    typed=r"\b(\w+)\s+\*?{name}\.\w+",
)
_RUBY: Final = Language(
    name="ruby", grammar="ruby", imports=(), read=_ruby, calls=("call",), strings=("string", "heredoc_body")
)
_RUST: Final = Language(
    name="rust",
    grammar="rust",
    imports=("use_declaration", "extern_crate_declaration"),
    read=_rust,
    calls=("call_expression",),
    strings=("string_literal", "raw_string_literal"),
    comments=("line_comment", "block_comment"),
    typed=r"\b(\w+)\s*:\s*&?{name}\b",
)
_PHP: Final = Language(
    name="php",
    grammar="php",
    imports=("namespace_use_declaration",),
    read=_php,
    calls=(
        "scoped_call_expression",
        "object_creation_expression",
        "member_call_expression",
        "function_call_expression",
    ),
    strings=("encapsed_string", "string", "heredoc_body"),
    typed=r"\b{name}\s+\$(\w+)",
)
LANGUAGES: Final[Mapping[str, Language]] = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), _PYTHON),
    **dict.fromkeys(
        (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte", ".astro"), _JAVASCRIPT
    ),
    ".java": _JAVA,
    **dict.fromkeys((".kt", ".scala", ".groovy"), _KOTLIN),
    ".cs": _CSHARP,
    ".go": _GO,
    **dict.fromkeys((".rb", ".rake"), _RUBY),
    ".rs": _RUST,
    ".php": _PHP,
}
