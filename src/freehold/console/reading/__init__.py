# SPDX-License-Identifier: Apache-2.0
"""Answers of the admin API as pages read them: frozen values with what a template says of them. Pure.

A field that a page does not need is passed over; one that it needs and that is not there is a bug of ours.
"""
