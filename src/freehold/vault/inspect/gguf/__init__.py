# SPDX-License-Identifier: Apache-2.0
"""The GGUF format, read with limits: its values, its table of tensors, and what they say of the model."""

from freehold.vault.inspect.gguf.header import GgufHeader, read_header

__all__ = ["GgufHeader", "read_header"]
