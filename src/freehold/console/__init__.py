# SPDX-License-Identifier: Apache-2.0
"""The operator's web pages, over the same admin API that the command line uses; there is no private door."""
