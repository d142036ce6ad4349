"""The whole story: the photo, what the model says, and the four steps in between."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy

from vitviz.gui.views.how.pieces.picture import PatchPicture, Picture
from vitviz.gui.views.how.pieces.scores import ScoreBars
from vitviz.gui.views.how.scores import best_scores
from vitviz.gui.views.how.station import Columns, Station, column, strong
from vitviz.gui.views.how.subject import Facts, Subject
from vitviz.gui.views.how.words import STOPS, heading
from vitviz.gui.widgets.text import menu_text


class StoryStation(Station):
    """Where one begins, and where Esc leads."""

    stop = "story"

    def __init__(self) -> None:
        super().__init__()
        self.picture = PatchPicture("What the model is given", 300, choosing=False)
        self.picture.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.scores = ScoreBars("Predictions", choosing=False)
        self.said = strong("It says")
        self.steps: list[QPushButton] = []
        for stop in STOPS[1:]:
            button = QPushButton()
            button.setStyleSheet("text-align: left; padding: 8px 12px;")
            button.clicked.connect(lambda _=False, stop=stop: self.opened.emit(stop))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.steps.append(button)
        right = column(self.said, self.scores, strong("In four steps"), *self.steps)
        self.columns = Columns((self.picture, 3), (right, 2), from_width=520)
        self.body.addWidget(self.columns, 1)

    def fill(self, subject: Subject, facts: Facts) -> None:
        del facts
        self.picture.show_picture(
            Picture(subject.pixels, subject.geometry),
            caption="{} × {} pixels".format(*subject.geometry.input_size),
        )
        best = best_scores(subject, 3)
        self.scores.show_scores(best, best[0].index if best else None)
        self.said.setVisible(subject.has_classes)
        self.scores.setVisible(subject.has_classes)
        for button, stop in zip(self.steps, STOPS[1:], strict=True):
            button.setText(menu_text(heading(stop, subject.kind, subject.has_classes).title))

    def focus_first(self) -> None:
        self.steps[0].setFocus(Qt.FocusReason.OtherFocusReason)
