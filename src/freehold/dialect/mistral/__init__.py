# SPDX-License-Identifier: Apache-2.0
"""Mistral's chat and fill-in-the-middle completions: near to the engine's, but not the same."""
