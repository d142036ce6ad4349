"""The bar that says, as long as it is so, that the network is not whole; and ends it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from vitviz.gui.scene import Scene
from vitviz.gui.widgets.elided import ElidedLine
from vitviz.gui.widgets.text import set_tooltip
from vitviz.wording.ablation import ablation_line


class AblationChip(QFrame):
    """Above the photo.

    Signals:
        ended(): The network is to be whole again.
        brush_ended(): The brush is to be put away.
    """

    ended = Signal()
    brush_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self.setProperty("kind", "question")  # not an error: in the accent's colour
        self.setAccessibleName("What is taken from the model")
        self.words = ElidedLine()
        self.brush = QPushButton("Put the Brush Away")
        self.whole = QPushButton("Whole Model Again")
        set_tooltip(self.whole, "Every head is heard and every patch is there again (Shift+B)")
        self.brush.clicked.connect(self.brush_ended)
        self.whole.clicked.connect(self.ended)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 5, 7, 5)
        layout.addWidget(self.words, 1)
        layout.addWidget(self.brush)
        layout.addWidget(self.whole)
        self.hide()

    def show_scene(self, scene: Scene) -> None:
        """Shows what is taken away, and what that does to the class."""
        ablation = scene.session.view.ablation
        words = ablation_line(ablation, scene.cell)
        if scene.brushing and not words:
            words = "Drag over patches to remove them, and over removed ones to put them back"
        self.words.show_texts(words)
        self.brush.setVisible(scene.brushing)
        self.whole.setVisible(bool(ablation))
        self.setVisible(bool(ablation) or scene.brushing)
