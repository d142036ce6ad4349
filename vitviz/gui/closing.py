"""What closing the window would end, which is said before it does."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vitviz.gui.widgets.banner import Banner

if TYPE_CHECKING:
    from vitviz.gui.finetune.commands import FinetuneCommands


class Closing:
    """Asks once whether to close while a model is being trained.

    Args:
        banner: Where it is asked.
        close: Closes the window.
    """

    def __init__(self, banner: Banner, close: Callable[[], object]) -> None:
        self._banner, self._close = banner, close
        self._has_asked = False

    def may_close(self, training: FinetuneCommands | None) -> bool:
        """Whether nothing is paused by it, or the user knows; asks where neither is so.

        Args:
            training: None where nobody has asked for it yet.
        """
        if training is None or not training.is_going or self._has_asked:
            return True
        self._has_asked = True
        self._banner.say(
            f"{training.words} Closing pauses it: nothing is lost, and Resume goes on from there.",
            (("Pause and Quit", self._close), ("Keep Training", self._stay)),
            about="closing", until=lambda _: not training.is_going,
        )  # fmt: skip
        return False

    def _stay(self) -> None:
        self._has_asked = False
