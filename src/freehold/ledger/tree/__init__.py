# SPDX-License-Identifier: Apache-2.0
"""The Merkle tree and its files, as RFC 6962 and C2SP have them. Knows no entry's meaning; standard library only."""
