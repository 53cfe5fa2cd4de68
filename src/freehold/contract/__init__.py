# SPDX-License-Identifier: Apache-2.0
"""The shared words: frozen values that every other folder may use. Standard library only."""
