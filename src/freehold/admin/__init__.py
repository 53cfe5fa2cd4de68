# SPDX-License-Identifier: Apache-2.0
"""The control process: every operation of the estate, its state, and the admin API."""
