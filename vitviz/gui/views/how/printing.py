"""Stations on paper: light, without controls, as pictures and as pages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPoint, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtWidgets import QApplication, QCheckBox, QPushButton, QSlider, QToolButton, QWidget

from vitviz.gui.theme import LIGHT, palette, style_sheet
from vitviz.gui.views.how.guess import Guess, GuessCard
from vitviz.gui.views.how.station import SCREEN_ONLY, Station
from vitviz.gui.views.how.stations.cut import APART, CutStation
from vitviz.gui.views.how.subject import Facts, Subject
from vitviz.gui.views.how.words import Stop
from vitviz.shapes import UInt8

WIDTH = 860
"""Of a station on paper, in the window's pixels."""

SCALE = 2
"""Pixels of a picture per pixel of the window."""

MARGIN_MM = 14.0
PAPER = replace(LIGHT, panel="#ffffff", canvas="#ffffff", raised="#f4f4f2")
"""The light theme on white."""

CONTROLS = (QPushButton, QSlider, QCheckBox, QToolButton)


class Sheet:
    """A station of its own, on paper.

    Args:
        station: Just made.
        subject: What it is about.
        facts: What is known of it.
    """

    def __init__(self, station: Station, subject: Subject, facts: Facts) -> None:
        self.station = station
        station.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        station.setStyleSheet(style_sheet(PAPER))
        station.setFixedWidth(WIDTH)
        station.show()
        self.show(subject, facts)

    def show(self, subject: Subject, facts: Facts) -> None:
        """Shows what it is about."""
        self.station.show_subject(subject, facts)
        if isinstance(self.station, CutStation):
            self.station.set_gap(APART)
        self._make_light()
        for card in self.station.findChildren(GuessCard):
            card.hide()
        for control in self.station.findChildren(QWidget):
            if isinstance(control, CONTROLS) and not keeps(self.station, control):
                control.hide()
        for _ in range(3):  # widgets whose height follows from their width need another turn
            QApplication.sendPostedEvents(self.station)
            self.station.adjustSize()

    def _make_light(self) -> None:
        """Each by itself: below an application's style sheet palettes are not handed down."""
        light = palette(PAPER)
        for widget in (self.station, *self.station.findChildren(QWidget)):
            widget.setPalette(light)
            if widget.property(SCREEN_ONLY):
                widget.hide()

    @property
    def guess(self) -> Guess | None:
        """The question of the station."""
        cards = self.station.findChildren(GuessCard)
        return cards[0].guess if cards else None

    def pixels(self) -> UInt8[np.ndarray, "height width 3"]:
        """The station as a picture."""
        image = QImage(self.station.size() * SCALE, QImage.Format.Format_RGB888)
        image.setDevicePixelRatio(SCALE)
        image.fill(QColor(PAPER.panel))
        self.station.render(image)
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        numbers = rows[:, : 3 * image.width()].copy()  # the image's own memory goes with it
        return numbers.reshape(image.height(), image.width(), 3)

    def paint(self, painter: QPainter, room: QRectF) -> None:
        """The station as large as it fits."""
        size = self.station.size()
        scale = min(room.width() / size.width(), room.height() / size.height())
        painter.save()
        painter.translate(room.topLeft() + QPointF((room.width() - scale * size.width()) / 2, 0))
        painter.scale(scale, scale)
        self.station.render(painter, QPoint(0, 0))
        painter.restore()

    def close(self) -> None:
        """Lets go of the station."""
        self.station.close()
        self.station.deleteLater()


def keeps(station: Station, control: QWidget) -> bool:
    """Whether a control stays, since it says something: the four steps of the story."""
    return control in getattr(station, "steps", ())


def pdf(sheets: list[tuple[Stop, Sheet]], *, with_guesses: bool) -> bytes:
    """Pages, one a station.

    Args:
        sheets: In the order of their pages.
        with_guesses: Each page ends with its question, and the last one has the answers.
    """
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setCreator("vitviz")
    writer.setPageLayout(QPageLayout(
        QPageSize(QPageSize.PageSizeId.A4), QPageLayout.Orientation.Portrait,
        QMarginsF(MARGIN_MM, MARGIN_MM, MARGIN_MM, MARGIN_MM), QPageLayout.Unit.Millimeter,
    ))  # fmt: skip
    writer.setResolution(150)
    painter = QPainter(writer)
    page = QRectF(QPointF(0, 0), QSizeF(writer.width(), writer.height()))
    guesses = []
    for number, (_, sheet) in enumerate(sheets):
        if number:
            writer.newPage()
        foot = 0.09 * page.height() if with_guesses and sheet.guess is not None else 0.0
        sheet.paint(painter, page.adjusted(0, 0, 0, -foot))
        if foot and sheet.guess is not None:
            guesses.append(sheet.guess)
            _paint_question(painter, page, len(guesses), sheet.guess, foot)
    if guesses:
        writer.newPage()
        _paint_answers(painter, page, guesses)
    painter.end()
    buffer.close()
    return bytes(buffer.data().data())


def _paint_question(
    painter: QPainter, page: QRectF, number: int, guess: Guess, high: float
) -> None:
    box = QRectF(page.left(), page.bottom() - high, page.width(), high)
    painter.setPen(QColor(PAPER.text))
    painter.setFont(_font(painter, 10))
    answers = "     ".join(f"▢ {answer}" for answer in guess.answers)
    text = f"Question {number}. {guess.question[:1].upper()}{guess.question[1:]}\n{answers}"
    painter.drawText(box, Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignBottom, text)


def _paint_answers(painter: QPainter, page: QRectF, guesses: list[Guess]) -> None:
    painter.setPen(QColor(PAPER.text))
    painter.setFont(_font(painter, 10))
    lines = ["Answers", ""]
    for number, guess in enumerate(guesses, 1):
        lines += [f"{number}. {guess.answers[guess.right]}. {guess.why}", ""]
    painter.drawText(page, Qt.TextFlag.TextWordWrap, "\n".join(lines))


def _font(painter: QPainter, points: float) -> QFont:
    font = QFont(painter.font())
    font.setPointSizeF(points)
    return font
