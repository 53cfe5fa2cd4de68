# SPDX-License-Identifier: Apache-2.0
"""The one writer of a log and its disk: append, integrate, publish; the journal and the salts."""
