# SPDX-License-Identifier: Apache-2.0
"""The ledger as operators look at it: searched, counted, and one entry with all that proves it. Out of its files."""
