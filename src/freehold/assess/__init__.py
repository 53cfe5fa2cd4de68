# SPDX-License-Identifier: Apache-2.0
"""What an estate is made of and depends on, for whoever has to account for it."""
