# SPDX-License-Identifier: Apache-2.0
"""The one place that dials out: to the host of an endpoint, with a decision in hand, and with the secrets for it; and
for errands that are no call, to the places granted. Names none of its files here: the vault uses some of them, and
whoever runs the vault alone needs no HTTP client.
"""
