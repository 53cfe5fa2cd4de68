# SPDX-License-Identifier: Apache-2.0
"""Rehearsed withdrawals and outages: what happens when, the calls made meanwhile, and how they fared."""
