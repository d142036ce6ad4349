"""What is on and stays on until it is ended, as chips over the photo, each with what ends it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.scene import Scene

INSET = 12
"""From the corner of the photo's part, in pixels."""


@dataclass(frozen=True)
class Mode:
    """Something that is on.

    Args:
        words: What is on.
        ends: What a click or which key ends it.
        command: Id of the command that ends it.
    """

    words: str
    ends: str
    command: str


def modes(scene: Scene) -> tuple[Mode, ...]:
    """What is on, and has to be seen on the photo."""
    found = []
    if scene.preferences.follow_cursor and scene.session.tab in ("look", "compare"):
        found.append(Mode("Following the cursor", "Esc", "view.follow"))
    if scene.playing:
        found.append(Mode("Playing the layers", "P", "go.play"))
    if (ends := empty_range(scene)) is not None:
        words = f"No value of this map lies in the range {ends[0]:.3g} to {ends[1]:.3g}"
        found.append(Mode(words, "Reset", "view.reset_range"))
    return tuple(found)


def empty_range(scene: Scene) -> tuple[float, float] | None:
    """The range that was chosen, where nothing of the map lies in it and the map looks empty."""
    chosen, heat_map = scene.session.style.range, scene.heat_map
    if not isinstance(chosen, tuple) or heat_map is None or scene.session.tab != "look":
        return None
    finite = heat_map.values[np.isfinite(heat_map.values)]
    low, high = chosen
    return chosen if finite.size and (finite.max() < low or finite.min() > high) else None


class ModeChips(QWidget):
    """The chips, over the canvas that is in use.

    Args:
        over: What they lie over.
        canvas: In whose corner they stand.
        end: Runs a command, by its id.
    """

    def __init__(
        self, over: QWidget, canvas: Callable[[], Canvas], end: Callable[[str], object]
    ) -> None:
        super().__init__(over)
        self._over, self._canvas, self._end = over, canvas, end
        self._modes: tuple[Mode, ...] = ()
        self.chips: list[QPushButton] = []
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(6)
        over.installEventFilter(self)
        self.hide()

    def show_scene(self, scene: Scene) -> None:
        """Shows what is on."""
        found = modes(scene)
        if found != self._modes:
            self._modes = found
            self._fill()
        if found:
            self._place()

    def _fill(self) -> None:
        for chip in self.chips:
            self._row.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = []
        for mode in self._modes:
            chip = QPushButton(f"{mode.words}   {mode.ends}")
            chip.setObjectName("mode")
            chip.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the key does the same
            chip.setToolTip("Click to end it")
            chip.clicked.connect(partial(self._clicked, mode.command))
            self._row.addWidget(chip)
            chip.show()  # or it would count for nothing until Qt shows it
            self.chips.append(chip)
        self.setVisible(bool(self.chips))

    def _clicked(self, command: str, *_: object) -> None:
        self._end(command)

    def _place(self) -> None:
        over, canvas = self._over, self._canvas()
        self.adjustSize()
        at = canvas.mapTo(over, QPoint(0, 0)) if canvas.isVisible() else QPoint(0, 0)
        self.move(at.x() + INSET, at.y() + INSET)
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show) and self._modes:
            self._place()
        return bool(super().eventFilter(watched, event))
