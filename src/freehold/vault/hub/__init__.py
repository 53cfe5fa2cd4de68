# SPDX-License-Identifier: Apache-2.0
"""Repositories of the Hugging Face hub, by its own client: in an environment of its own, with no network but the hosts
that are granted. No token is sent, and nothing is told that is not asked for.
"""
