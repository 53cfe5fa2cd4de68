# SPDX-License-Identifier: Apache-2.0
"""Reads answers in Mistral's chat into the chat wire's words.

They differ from OpenAI's in what some hosts of OpenAI's do too: content may be a list of parts, thoughts among them; a
tool call comes whole and may have no id; the usage stands in the last chunk; "model_length" and "error" are ends.
"""

from freehold.dialect.openai.reader import OpenAIReader


class MistralReader(OpenAIReader):
    """One answer, whole or streamed."""
