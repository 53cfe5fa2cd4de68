# SPDX-License-Identifier: Apache-2.0
"""``freehold-verify``: checks what an estate proves, on a machine that has nothing of it but public keys."""
