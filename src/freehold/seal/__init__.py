# SPDX-License-Identifier: Apache-2.0
"""What the kernel keeps processes from: filters of system calls, Landlock, and the warden that connects for the sealed.

A filter stays with a process and with all that it starts. Nothing here knows what an estate is, but for its folders.
"""
