"""The chart of a fine-tuning."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QPalette
from pytestqt.qtbot import QtBot

from vitviz.figures.chart import ON_DARK, ON_LIGHT
from vitviz.gui.charts.plot import inks_on
from vitviz.gui.finetune.chart import TrainingChart, top_of
from vitviz.training.finetune.class_photos import ClassPhotos
from vitviz.training.finetune.epochs import Epoch


def test_the_share_of_the_commonest_class() -> None:
    found = ClassPhotos((("few", 2), ("many", 20), ("some", 11)))
    # Of these are held out, at 0.3: 1 at least, 6, and 3.
    assert found.commonest(0.3) == 6 / 10
    assert ClassPhotos().commonest(0.3) is None


def test_chart_numbers_and_colours(qtbot: QtBot) -> None:
    chart = TrainingChart()
    qtbot.addWidget(chart)
    chart.resize(560, 180)
    chart.clear(4)
    chart.add(Epoch(0, 0.25, 3.2))
    chart.add(Epoch(1, 0.75, 1.6, 2.0))
    accuracy, loss = chart.plots()
    assert (accuracy.lines[0].xs, accuracy.lines[0].ys) == ([0, 1], [0.25, 0.75])
    assert accuracy.lines[0].name == "epoch 1, the best: 75.0 %"
    assert [line.name for line in loss.lines] == ["validation", "training"]
    assert (loss.lines[1].xs, loss.lines[1].ys) == ([1], [2.0])
    assert loss.y.high == 5.0
    assert (accuracy.y.labels[1], loss.y.labels[1]) == ("50 %", "2.5")
    chart.show()
    qtbot.waitExposed(chart)
    image = chart.grab().toImage()
    blue = inks_on(chart.palette()).lines[0]
    seen = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(60)}
    assert blue in seen
    left, _ = chart.boxes()
    qtbot.mouseMove(chart, QPoint(round(left.left()), 60))
    chart.mouseMoveEvent(_move(left.left() + 2))
    accuracy, loss = chart.plots()
    assert accuracy.lines[0].name == "epoch 0: 25.0 %"
    assert loss.lines[0].name == "validation 3.200"


def _move(x: float):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    at, none = QPointF(x, 60), Qt.MouseButton.NoButton
    keys = Qt.KeyboardModifier.NoModifier
    return QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, keys)


@pytest.mark.parametrize(
    ("values", "top"), [([0.3, 0.9], 1.0), ([1.2], 2.0), ([0.03], 0.05), ([], 1.0), ([0.0], 1.0)]
)
def test_axis_ends(values: list[float], top: float) -> None:
    assert top_of(values) == pytest.approx(top)


@pytest.mark.parametrize("window", ["#1c1d21", "#f7f7f5"])
def test_lines_stand_out(window: str) -> None:
    palette = QPalette()
    palette.setColor(QPalette.ColorRole.Window, window)

    def luminance(colour) -> float:
        parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
                 for c in (colour.redF(), colour.greenF(), colour.blueF())]  # fmt: skip
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    back = luminance(palette.color(QPalette.ColorRole.Window))
    assert inks_on(palette) is (ON_DARK if window == "#1c1d21" else ON_LIGHT)
    for colour in inks_on(palette).lines:
        one, other = sorted((luminance(QColor(colour)), back))
        assert (other + 0.05) / (one + 0.05) >= 4.5
