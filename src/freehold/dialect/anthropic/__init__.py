# SPDX-License-Identifier: Apache-2.0
"""Anthropic's messages, which the engine speaks natively; what it lacks of them goes over chat completions."""
