# SPDX-License-Identifier: Apache-2.0
"""A model as its publisher has it, written anew as the engine reads it. No weight is changed."""

from freehold.vault.convert.bert import convert_bert

__all__ = ["convert_bert"]
