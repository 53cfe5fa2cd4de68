# SPDX-License-Identifier: Apache-2.0
"""What a log and a witness say to each other, as bytes and as values. Pure; both sides use it."""
