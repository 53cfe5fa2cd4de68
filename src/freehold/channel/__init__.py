# SPDX-License-Identifier: Apache-2.0
"""Typed messages between the processes of one estate, over unix sockets."""

from freehold.channel.frames import Channel, ChannelClosed, bind, connect, listen, reachable_path

__all__ = ["Channel", "ChannelClosed", "bind", "connect", "listen", "reachable_path"]
