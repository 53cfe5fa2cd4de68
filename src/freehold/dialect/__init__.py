# SPDX-License-Identifier: Apache-2.0
"""The vendors' wire formats, both ways, and server-sent events. Pure: bytes and values in, bytes and values out."""

from freehold.dialect.table import codecs

__all__ = ["codecs"]
