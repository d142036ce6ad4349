"""The photo with its map, and the line that says what it is."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLayout, QSizePolicy, QVBoxLayout, QWidget

from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.canvas.window_lines import window_lines
from vitviz.gui.scene import FileMissing, Scene
from vitviz.gui.threads.service import OpenPhoto
from vitviz.gui.trust.line import TrustLine
from vitviz.gui.views.view import ViewWidget
from vitviz.gui.views.welcome import Welcome
from vitviz.gui.widgets.hint import Hint
from vitviz.gui.widgets.problem import Problem
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.imaging.geometry import Box
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map


class LookView(ViewWidget):
    """The canvas and its caption.

    Signals:
        deck_requested(): All panels are to go, or to come back: Tab on the photo, as in programs
            for photos. Shift+Tab goes from there to what is before.
    """

    deck_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._canvas = Canvas()
        self._canvas.installEventFilter(self)
        self.caption = PlainLabel()
        self.caption.setProperty("quiet", True)
        self.caption.setContentsMargins(12, 6, 12, 8)
        self.caption.setWordWrap(True)
        self.caption.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.welcome = Welcome()
        place = QVBoxLayout(self._canvas)  # over the canvas, which stays what keys are typed on
        place.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        place.addWidget(self.welcome)
        self.hint = Hint()
        self.trust = TrustLine()
        self.trust.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.hint)
        layout.addWidget(self.canvas, 1)
        layout.addWidget(self.caption)
        layout.addWidget(self.trust)
        self._opened: OpenPhoto | None = None
        self.problem = Problem(self._canvas)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        is_key = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if is_key and cast("QKeyEvent", event).key() == Qt.Key.Key_Tab:
            self.deck_requested.emit()
            return True
        return super().eventFilter(watched, event)

    @property
    def canvas(self) -> Canvas:
        """The photo with its map."""
        return self._canvas

    def show_trust(self, scene: Scene) -> None:
        """The line has its place as long as lines are wanted, so that nothing jumps."""
        self.trust.setVisible(scene.preferences.trust_line)
        self.trust.show_state(scene.trust_state)

    def show_scene(self, scene: Scene) -> None:
        """Shows a photo, and a map over it once there is one."""
        self.show_trust(scene)
        opened, style = scene.opened, scene.session.style
        if opened is not self._opened:
            self._opened = opened
            if opened is None:
                self.canvas.set_photo(None)
            else:
                self.canvas.set_photo(opened.photo, opened.pyramid)
        places = scene.session.view.ablation.places
        self.canvas.set_removed(tuple(Box(*place) for place in places))
        self.canvas.set_stale(scene.is_stale)
        if scene.pane is None or not scene.pane.busy:
            self.canvas.set_progress(None)
        missing = scene.error if isinstance(scene.error, FileMissing) else None
        self.problem.show_error(missing)
        has_photos = bool(scene.session.photos)
        self.welcome.setVisible(not has_photos)
        self.welcome.show_recent(scene.recent)
        self.hint.setVisible(has_photos and scene.preferences.hint)
        cell, heat_map, look = scene.cell, scene.heat_map, scene.look
        if cell is None or heat_map is None or look is None:
            self.canvas.show_map(None, None, (0.0, 1.0), style)
            self.canvas.set_windows(None)
            self.caption.setText("")
            return
        self.canvas.show_map(heat_map, heat_map.geometry, look[1:], look.style)
        self.canvas.set_receptive(cell.outline.receptive(heat_map.layer))
        self.canvas.set_query(cell.patches_of_query(heat_map.layer))
        windows = None
        if scene.preferences.windows:
            query = cell.patches_of_query(heat_map.layer)
            at = heat_map.geometry.patch_box(*query[0]).centre if len(query) == 1 else None
            windows = window_lines(cell.outline, heat_map.layer, cell.geometry, at)
        self.canvas.set_windows(windows)
        words = caption(describe_map(cell, scene.session.view, style))
        self.caption.setText(words)
        set_tooltip(self.caption, words)
        self.canvas.setAccessibleDescription(words)
