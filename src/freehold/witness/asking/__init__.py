# SPDX-License-Identifier: Apache-2.0
"""Having one's own log witnessed: whom to ask, what they answer, what that shows. Nothing of a call waits for it."""
