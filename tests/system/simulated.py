# SPDX-License-Identifier: Apache-2.0
"""What is asked of the simulator, and what it answers."""

import base64
from typing import Any

from tests.simulator.said import Usage

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(60)).decode()
SEEN = "I see image/png of 68 bytes"
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
IN_ZURICH = {"city": "Zürich", "days": 7}
WEATHER: Any = {"type": "function", "function": {"name": "weather", "parameters": CITY}}
CLOCK: Any = {"type": "function", "function": {"name": "clock", "parameters": CITY}}
ASK: Any = [{"role": "user", "content": "What now?"}]
USAGE = Usage()
