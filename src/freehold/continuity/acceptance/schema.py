# SPDX-License-Identifier: Apache-2.0
"""JSON Schema and regular expressions, by a validator that does both. It fetches nothing and never takes long.

Expressions are matched in time that grows with the text alone, so none can be catastrophic: look-around and
back-references are not there for that reason. Meaning and spelling are JSON Schema's (draft 2020-12, ECMA-262).
"""

from typing import Any, Final

import msgspec

_LARGEST_COMPILED_BYTES: Final = 2**20


class Unusable(Exception):
    """The schema or the expression is not one. ``what`` says why, in our words."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class Schema:
    """A JSON Schema, ready to be held against values."""

    def __init__(self, schema: dict[str, object] | bool) -> None:  # noqa: FBT001 - true and false are schemas
        """Raises Unusable."""
        # the validator is several megabytes of code, which only an estate with such cases has to load
        from jsonschema_rs import Draft202012Validator, ReferencingError, RegexOptions, ValidationError  # noqa: PLC0415

        try:
            self._validator = Draft202012Validator(
                schema,
                offline=True,
                validate_formats=True,
                pattern_options=RegexOptions(
                    size_limit=_LARGEST_COMPILED_BYTES, dfa_size_limit=_LARGEST_COMPILED_BYTES
                ),
            )
        except ValidationError as exc:
            where = "/".join(map(str, exc.instance_path))
            raise Unusable(f"is not a JSON Schema{f': {where}' if where else ''}") from exc
        except (ReferencingError, ValueError, RecursionError) as exc:
            raise Unusable("is not a JSON Schema that stands alone") from exc

    def problem(self, value: Any) -> str:
        """What the value breaks first; empty if nothing."""
        error = next(iter(self._validator.iter_errors(value)), None)
        if error is None:
            return ""
        where = "/".join(map(str, error.instance_path))
        return f"{where or 'it'} does not keep to {error.kind.name!r}"


class Expression:
    """A regular expression, to be found anywhere in a text unless it is anchored."""

    def __init__(self, pattern: str) -> None:
        """Raises Unusable."""
        try:
            self._schema = Schema({"type": "string", "pattern": pattern})
        except Unusable:
            raise Unusable(
                "is not a regular expression as JSON Schema has them (look-around and back-references are not taken)"
            ) from None

    def found_in(self, text: str) -> bool:
        return not self._schema.problem(text)


def decoded(text: str) -> object:
    """The JSON in a text, with nothing but white space around it. Raises Unusable."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as exc:
        raise Unusable("is not JSON") from exc
