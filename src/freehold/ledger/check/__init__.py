# SPDX-License-Identifier: Apache-2.0
"""What an outsider can check with public keys alone: receipts, whole logs. Writes nothing."""
