# SPDX-License-Identifier: Apache-2.0
"""Where a code base depends on AI providers: found by reading its files, and nothing else. It runs none of it."""
