# SPDX-License-Identifier: Apache-2.0
"""OpenAI's Responses, put into chat completions and back: the engine's own Responses lack half of the protocol."""
