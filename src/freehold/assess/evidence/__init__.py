# SPDX-License-Identifier: Apache-2.0
"""Scores and evidence, reckoned from an estate's files: each statement with what it rests on, and its date.

What only a person can say is asked for, kept, and shown as asserted. What nobody said counts as the worst answer.
"""
