"""What all stations share: a heading, a sentence or two, and room for what is shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from vitviz.engine.requests import Request
from vitviz.gui.canvas import marks
from vitviz.gui.views.how.subject import Facts, Subject
from vitviz.gui.views.how.words import Stop, heading, lead
from vitviz.gui.widgets.text import PlainLabel

TWO_COLUMNS = 640
"""Pixels of width from which two columns stand beside each other."""


SCREEN_ONLY = "screen_only"
"""A property of what is of no use on paper."""


class Columns(QWidget):
    """Widgets beside each other, or one below the other where there is no room.

    Args:
        parts: With how much each stretches.
        from_width: Pixels of width from which they stand beside each other.
    """

    def __init__(self, *parts: tuple[QWidget, int], from_width: int = TWO_COLUMNS) -> None:
        super().__init__()
        self._from = from_width
        self.box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self.box.setContentsMargins(0, 0, 0, 0)
        self.box.setSpacing(18)
        for part, stretch in parts:
            self.box.addWidget(part, stretch)

    def resizeEvent(self, event: QResizeEvent) -> None:
        beside = event.size().width() >= self._from
        direction = QBoxLayout.Direction
        wanted = direction.LeftToRight if beside else direction.TopToBottom
        if self.box.direction() != wanted:
            self.box.setDirection(wanted)
        super().resizeEvent(event)


def column(*parts: QWidget, spacing: int = 8) -> QWidget:
    """Widgets one below the other, at the top."""
    widget = QWidget()
    box = QVBoxLayout(widget)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(spacing)
    for part in parts:
        box.addWidget(part)
    box.addStretch(1)
    return widget


def strong(text: str = "") -> PlainLabel:
    """A small heading."""
    label = PlainLabel(text)
    label.setProperty("strong", True)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def quiet(text: str = "") -> PlainLabel:
    """What may be overlooked."""
    label = PlainLabel(text)
    label.setProperty("quiet", True)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


class Station(QWidget):
    """One stop of the strip.

    Signals:
        did(str): Something that a tour may have asked for was done.
        changed(): One of its own controls was moved: show it again, and ask for what it wants.
        patch_chosen(int): A patch of the first layer, row by row.
        layer_chosen(int): From 0.
        head_chosen(int): From 0.
        target_chosen(int): Index of a class.
        contrast_chosen(int): Index of the class that it is set against.
        brushed(object, bool): The box of a patch on the photo, and whether it goes.
        head_switched(int, int): Layer and head, from 0: silent, or heard again.
        whole_requested(): Everything that was taken away is to come back.
        opened(str): Another stop is to be opened.
    """

    did = Signal(str)
    changed = Signal()
    patch_chosen = Signal(int)
    layer_chosen = Signal(int)
    head_chosen = Signal(int)
    target_chosen = Signal(int)
    contrast_chosen = Signal(int)
    brushed = Signal(object, bool)
    head_switched = Signal(int, int)
    whole_requested = Signal()
    opened = Signal(str)

    stop: Stop = "story"

    def __init__(self) -> None:
        super().__init__()
        self.subject: Subject | None = None
        self.facts = Facts()
        self.title, self.words = PlainLabel(), PlainLabel()
        self.title.setFont(marks.bold(marks.sized(self.font(), 1.25)))
        self.title.setWordWrap(True)
        self.words.setWordWrap(True)
        for label in (self.title, self.words):
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(20, 12, 20, 14)
        self.body.setSpacing(10)
        self.body.addWidget(self.title)
        self.body.addWidget(self.words)

    def wants(self, subject: Subject) -> tuple[Request, ...]:
        """What it needs to know, the most urgent first."""
        del subject
        return ()

    def show_subject(self, subject: Subject, facts: Facts) -> None:
        """Shows it all anew.

        Args:
            subject: What it is about.
            facts: What is known so far.
        """
        self.subject, self.facts = subject, facts
        self.title.setText(heading(self.stop, subject.kind, subject.has_classes).title)
        self.words.setText(lead(self.stop, subject))
        self.fill(subject, facts)

    def fill(self, subject: Subject, facts: Facts) -> None:
        """Shows what is its own."""
        raise NotImplementedError

    def again(self) -> None:
        """Shows it anew after one of its own controls was moved."""
        if self.subject is not None:
            self.fill(self.subject, self.facts)

    def focus_first(self) -> None:
        """Gives the focus to what one would use first."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
