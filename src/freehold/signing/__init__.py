# SPDX-License-Identifier: Apache-2.0
"""Keys by URI, and the C2SP signed note."""
