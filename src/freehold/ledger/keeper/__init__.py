# SPDX-License-Identifier: Apache-2.0
"""The ledger's process: takes admissions, outcomes and acts over its socket, and owns the log."""
