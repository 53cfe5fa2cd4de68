# SPDX-License-Identifier: Apache-2.0
"""Which files a model may consist of. Whatever is not on this list does not come in, whoever asks for it.

The list is by name, because a loader picks files by their names; what is in them is held against it afterwards. So a
pickle called model.safetensors fails for its bytes, and weights called pytorch_model.bin for their name.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import PurePosixPath


class Role(StrEnum):
    """What a file of a model is for."""

    WEIGHTS = "weights"
    INDEX = "index"  # which tensor lies in which file
    JSON = "json"
    TEMPLATE = "template"
    LICENCE = "licence"
    README = "readme"
    TEXT = "text"


_JSON = frozenset(
    """
    added_tokens.json chat_template.json config.json config_sentence_transformers.json generation_config.json
    modules.json params.json preprocessor_config.json processor_config.json sentence_bert_config.json
    special_tokens_map.json tokenizer.json tokenizer_config.json video_preprocessor_config.json vocab.json
    data_config.json tekken.json
    """.split()  # noqa: SIM905 - a table
)
_TEXT = frozenset({"merges.txt", "vocab.txt", "sha256sums", ".gitattributes"})
_WEIGHTS = re.compile(r".+\.(gguf|safetensors)")
_INDEX = re.compile(r".+\.safetensors\.index\.json")
_LICENCE = re.compile(
    r"(.*[-_.])?(licen[cs]e|copying|notice|terms|terms_of_use|use_policy|usage_policy|acceptable_use_policy)([-_.].*)?"
)
_README = re.compile(r"(readme|model_card|modelcard)([-_.].*)?")
_PROSE = re.compile(r"[^.]*|.*\.(md|txt|rst|html?)|.*\.upstream(\.md)?")
_ROLES: tuple[tuple[Role, Callable[[str], object]], ...] = (  # the first that fits
    (Role.INDEX, _INDEX.fullmatch),
    (Role.WEIGHTS, _WEIGHTS.fullmatch),
    (Role.TEMPLATE, re.compile(r".+\.jinja").fullmatch),
    (Role.JSON, _JSON.__contains__),
    (Role.TEXT, _TEXT.__contains__),
    (Role.LICENCE, lambda name: _PROSE.fullmatch(name) and _LICENCE.fullmatch(name)),
    (Role.README, lambda name: _PROSE.fullmatch(name) and _README.fullmatch(name)),
)
_LOADED_OTHERWISE = re.compile(
    r".*\.(bin|pt|pth|ckpt|pkl|pickle|joblib|npy|npz|h5|hdf5|keras|onnx|pb|tflite|zip|tar|gz|7z|nemo|mar|model|dat)"
)
_MAX_PATH = 512
_MAX_DEPTH = 8


def role_of(path: str) -> Role | None:
    """What a file of this name may be in a model; None if a model has no such file."""
    name = PurePosixPath(path).name.lower()
    return next((role for role, fits in _ROLES if fits(name)), None)


def is_loaded_otherwise(path: str) -> bool:
    """Whether loaders take a file of this name for something other than GGUF or safetensors."""
    return _LOADED_OTHERWISE.fullmatch(PurePosixPath(path).name.lower()) is not None


def what_is_wrong_with(path: str) -> str:
    """Why a path cannot be one of a model's; empty if it can."""
    parts = path.split("/")
    if not path or len(path) > _MAX_PATH or not path.isprintable():
        return "its name is empty, too long, or has characters that cannot be shown"
    if path.startswith("/") or "\\" in path or ":" in path or any(part in ("", ".", "..") for part in parts):
        return "its name leads out of the model"
    if len(parts) > _MAX_DEPTH:
        return f"it lies deeper than {_MAX_DEPTH} folders"
    return ""
