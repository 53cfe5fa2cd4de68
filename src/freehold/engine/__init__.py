# SPDX-License-Identifier: Apache-2.0
"""Owned processes that make tokens: started, jailed, supervised and called."""
