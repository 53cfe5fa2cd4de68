# SPDX-License-Identifier: Apache-2.0
"""Witnessing, c2sp.org/tlog-witness: being a witness of other logs, and having one's own log witnessed."""
