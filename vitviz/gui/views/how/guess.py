"""Predict, then reveal: a question about this photo and model, answered with their own numbers."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.widgets.text import PlainLabel, menu_text


@dataclass(frozen=True)
class Guess:
    """A question.

    Args:
        question: What is asked.
        answers: To choose from.
        right: Index of the one that is so.
        why: What is so, with its numbers.
    """

    question: str
    answers: tuple[str, ...]
    right: int
    why: str


class GuessCard(QWidget):
    """The question, its answers, and once one was chosen what is so. Nothing is counted.

    Signals:
        guessed(): An answer was chosen.
    """

    guessed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.guess: Guess | None = None
        self._chosen: int | None = None
        self.question, self.reveal = PlainLabel(), PlainLabel()
        self.question.setProperty("strong", True)
        self.reveal.setProperty("quiet", True)
        for label in (self.question, self.reveal):
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.buttons: list[QPushButton] = []
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self._choose)
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(14, 10, 14, 10)
        layout.setSpacing(7)
        layout.addWidget(self.question)
        layout.addLayout(self._row)
        layout.addWidget(self.reveal)
        self.hide()

    def show_guess(self, guess: Guess | None) -> None:
        """Asks another question; the one that is asked already goes on, whatever was answered.

        Args:
            guess: None: none.
        """
        self.setVisible(guess is not None)
        if guess == self.guess or guess is None:
            self.guess = guess
            return
        same = self.guess is not None and self.guess.question == guess.question
        self.guess = guess
        if not (same and self._chosen is not None):
            self._chosen = None
        self._fill()

    def _fill(self) -> None:
        assert self.guess is not None
        for button in self.buttons:
            self._group.removeButton(button)
            button.deleteLater()
        self.buttons = []
        while self._row.count():
            self._row.takeAt(0)
        for index, answer in enumerate(self.guess.answers):
            button = QPushButton(menu_text(answer))
            button.setCheckable(True)
            button.setChecked(index == self._chosen)
            self._group.addButton(button, index)
            self._row.addWidget(button)
            self.buttons.append(button)
        self._row.addStretch(1)
        self.question.setText(f"Guess first: {self.guess.question}")
        self._show_reveal()

    def _choose(self, index: int) -> None:
        self._chosen = index
        self._show_reveal()
        self.guessed.emit()

    def _show_reveal(self) -> None:
        assert self.guess is not None
        if self._chosen is None:
            self.reveal.hide()
            return
        right = self._chosen == self.guess.right
        answer = self.guess.answers[self.guess.right]
        self.reveal.setText(("Yes. " if right else f"It is: {answer}. ") + self.guess.why)
        self.reveal.show()
