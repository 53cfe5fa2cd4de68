# SPDX-License-Identifier: Apache-2.0
"""What a model's files say of their licence: names in headers and front matter, and whole texts. It judges nothing."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from freehold.vault.inspect.findings import digest_of
from freehold.vault.inspect.gguf import GgufHeader
from freehold.vault.inspect.licences.texts import licence_of_text, plain

_FENCE = "---"
_LINE = re.compile(r"(license|license_name|base_model):(.*)")
_ITEM = re.compile(r"[ \t]*-[ \t](.+)")
_MAX_FRONT_LINES = 1000
_REPOSITORY = re.compile(r"(?:https?://(?:www\.)?huggingface\.co/)?([\w.-]{1,96}/[\w.-]{1,96})/?")
_NO_LICENCE = re.compile(r"notice", re.IGNORECASE)
_MAX_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One place that speaks of a licence."""

    place: str
    names: tuple[str, ...] = ()  # what it is called there, as it stands there
    spdx: str = ""  # of a text: the licence that it is, if it is one of those that pass
    digest: str = ""  # of a text, as it lies there
    words: str = field(default="", repr=False)  # of a text: ``plain``
    is_notice: bool = False  # a text beside a licence
    base_models: tuple[str, ...] = ()  # repositories of the models that this one was made from


def of_gguf(header: GgufHeader, path: str) -> Iterator[Statement]:
    """What a GGUF file's header says."""
    names = tuple(filter(None, (header.licence, header.licence_name)))
    bases = _repositories(header.base_models)
    if names or bases:
        place = f"{path}, general.license" if names else f"{path}, general.base_model"
        yield Statement(place=place, names=_cut(names), base_models=bases)


def of_metadata(metadata: Mapping[str, str], path: str) -> Iterator[Statement]:
    """What a safetensors file's own metadata says."""
    for key, value in metadata.items():
        if key.lower() in ("license", "licence", "general.license", "modelspec.license") and value:
            yield Statement(place=f"{path}, {key}", names=_cut((value,)))


def of_readme(text: str, path: str) -> Iterator[Statement]:
    """What a model card's front matter says. It is read by lines: no more of YAML is needed, and none is trusted."""
    lines, values = _front_matter(text), dict[str, list[str]]()
    for number, line in enumerate(lines):
        if found := _LINE.fullmatch(line.rstrip()):
            inline = re.split(r"[\[\],]", found[2])
            items = inline if found[2].strip() else _items(lines[number + 1 :])
            values.setdefault(found[1], []).extend(item.strip().strip("\"'") for item in items)
    names = tuple(name for key in ("license", "license_name") for name in values.get(key, ()) if name)
    bases = _repositories(values.get("base_model", ()))
    if names or bases:
        yield Statement(place=f"{path}, front matter", names=_cut(names), base_models=bases)


def of_text(text: str, path: str) -> Iterator[Statement]:
    """A file that is a licence, or a notice that goes with one."""
    if text.strip():
        notice = _NO_LICENCE.match(path.rpartition("/")[2]) is not None
        yield Statement(
            place=path, spdx=licence_of_text(text), digest=digest_of(text), words=plain(text), is_notice=notice
        )


def _front_matter(text: str) -> list[str]:
    """The lines between the first two fences; none where the text does not begin with one."""
    lines = text.removeprefix("\ufeff").split("\n", _MAX_FRONT_LINES)[:_MAX_FRONT_LINES]
    if lines[0].rstrip() != _FENCE:
        return []
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == _FENCE), 1)
    return lines[1:end]


def _items(lines: Sequence[str]) -> list[str]:
    """The items of a list that begins with the first line."""
    items = []
    for line in lines:
        item = _ITEM.fullmatch(line.rstrip())
        if item is None:
            break
        items.append(item[1])
    return items


def _repositories(values: Sequence[str]) -> tuple[str, ...]:
    found = (_REPOSITORY.fullmatch(value.strip()) for value in values)
    return tuple(dict.fromkeys(match[1] for match in found if match))


def _cut(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[:_MAX_NAME] for name in names)
