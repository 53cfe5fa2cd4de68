# SPDX-License-Identifier: Apache-2.0
"""Makes the answer of somebody else's API what writers count on: its model has a name, and it repeats nothing."""

from freehold.dialect.chatwire import Chat, Choice


class Fitting:
    """One answer. ``prefill`` is the assistant's last message where the API repeats it, else empty."""

    def __init__(self, model: str, prefill: str) -> None:
        self._model = model  # that was asked for; its name where the API gives none
        self._prefill = prefill
        self._held: dict[int, str] = {}  # by choice: what of the prefill has come so far
        self._past: set[int] = set()  # choices that have gone beyond it

    def chunk(self, chat: Chat) -> list[Chat]:
        if not chat.choices:
            return []
        self.answer(chat)
        return [chat]

    def answer(self, chat: Chat) -> None:
        chat.model = chat.model or self._model
        if self._prefill:
            for choice in chat.choices:
                self._take_out(choice)

    def _take_out(self, choice: Choice) -> None:
        """Hold the text back for as long as it may be the prefill's; a choice that ends gets what is held."""
        said = choice.said
        text = self._held.pop(choice.index, "") + (said.content or "")
        if choice.index in self._past or not text:
            return
        if text.startswith(self._prefill):
            said.content = text.removeprefix(self._prefill)
        elif self._prefill.startswith(text) and choice.finish_reason is None:
            self._held[choice.index] = text
            said.content = ""
            return
        else:
            said.content = text
        self._past.add(choice.index)
