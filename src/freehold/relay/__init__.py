# SPDX-License-Identifier: Apache-2.0
"""One answer out of several targets: the first event is in hand before the caller sees a status line."""
