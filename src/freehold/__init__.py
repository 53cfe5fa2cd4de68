# SPDX-License-Identifier: Apache-2.0
"""Freehold: AI that its users own instead of lease."""

__version__ = "0.1.0"
