# SPDX-License-Identifier: Apache-2.0
"""OpenAI's chat completions and legacy completions, which the engine speaks natively."""
