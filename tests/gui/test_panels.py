"""What the panels, the banner and the reports hold."""

from __future__ import annotations

import logging
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication, QMainWindow
from pytestqt.qtbot import QtBot

from tests.gui.conftest import Driver
from vitviz.errors import VitvizError
from vitviz.gui.panels.appearance import AppearancePanel
from vitviz.gui.panels.method import MethodPanel, control_value, make_control
from vitviz.gui.panels.predictions import ProbabilityBars
from vitviz.gui.reports import Unexpected, start_log, versions
from vitviz.gui.scene import Scene
from vitviz.gui.widgets.banner import Banner
from vitviz.gui.widgets.form import Choice, Number, WholeNumber
from vitviz.gui.widgets.status import StatusBar
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.methods.base import Parameter
from vitviz.progress import Stage
from vitviz.session.state import Session, View


def roll(widget) -> bool:
    """Turns the wheel over a widget; whether it wanted that."""
    at = QPointF(5, 5)
    none, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    event = QWheelEvent(
        at, at, QPoint(), QPoint(0, -120), none, keys, Qt.ScrollPhase.NoScrollPhase, False
    )
    event.ignore()
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def test_heads_cannot_be_chosen_where_there_is_no_map_of_each(ui: Driver) -> None:
    panels = ui.window.panels
    panels.layers.head_chosen.emit(1)
    for method, has_heads in (("attention-grad-cam", False), ("rollout", True)):
        panels.method.chosen.emit(replace(ui.session.view, method=method), "")
        ui.settle()
        assert panels.method.heads.isEnabled() == has_heads
        assert panels.layers.chips[0].isEnabled() == has_heads
        assert ui.window.actions_by_id["go.next_head"].isEnabled() == has_heads
        assert panels.method.heads.value == (1 if has_heads else "mean")


def test_the_wheel_scrolls_past_controls(qtbot: QtBot) -> None:
    choice, number, whole = (
        Choice("c", [("a", 1), ("b", 2)]),
        Number("n", 0, 1, 2),
        WholeNumber("w", 0, 9),
    )
    for widget in (choice, number, whole):
        qtbot.addWidget(widget)
        roll(widget)
    assert choice.value == 1
    assert number.value() == 0
    assert whole.value() == 0


def test_choice_keeps_values_of_any_type(qtbot: QtBot) -> None:
    choice = Choice("c", [("point", (1.5, 2.0)), ("name", "cls")])
    qtbot.addWidget(choice)
    heard: list[int] = []
    choice.currentIndexChanged.connect(heard.append)
    choice.show_value("cls")
    assert choice.value == "cls"
    choice.show_value((1.5, 2.0))
    assert choice.value == (1.5, 2.0)
    choice.show_value("not there")
    assert choice.value is None
    assert heard == [], "showing is not choosing"


@pytest.mark.parametrize(
    ("default", "bounds", "choices", "other"),
    [
        (0.25, (0.0, 1.0), (), 0.5),
        (2, (0, None), (), 7),
        (True, None, (), False),
        ("a", None, ("a", "b"), "b"),
    ],
)
def test_controls_for_every_kind_of_parameter(
    qtbot: QtBot, default, bounds, choices, other
) -> None:
    control = make_control(Parameter("x", "X", default, bounds=bounds, choices=choices))
    qtbot.addWidget(control)
    for value in (default, other):
        control.show_value(value)
        assert control_value(control) == value
        assert type(control_value(control)) is type(default)


STYLED = """QComboBox { border: 1px solid grey; padding: 3px 8px; }
QComboBox::drop-down { border: none; width: 20px; }"""
"""A combo box that Qt draws as a style sheet says, and whose title it cuts off."""


def test_a_title_that_does_not_fit_ends_in_an_ellipsis(qtbot: QtBot) -> None:
    def picture(title: str) -> object:
        choice = Choice("Direction", [(title, 0)])
        qtbot.addWidget(choice)
        choice.setStyleSheet(STYLED)
        choice.resize(110, 28)
        return choice.grab().toImage()

    title = "what it attends to, and what attends to it"
    cut = [title[:end].rstrip() + "…" for end in range(1, len(title))]
    advance = Choice("Direction").fontMetrics().horizontalAdvance
    assert picture(title) in [picture(words) for words in cut if advance(words) < 80]


def test_showing_a_view_chooses_nothing(qtbot: QtBot) -> None:
    panel = MethodPanel()
    qtbot.addWidget(panel)
    heard: list[View] = []
    panel.chosen.connect(lambda view, kind: heard.append(view))
    for name in METHODS:
        for direction in ("of", "to"):
            view = View(method=name, direction=direction, query=(3.0, 4.0), head=2)
            panel.show_scene(Scene(Session(view=view)))
    assert heard == []


def test_showing_a_style_chooses_nothing(qtbot: QtBot) -> None:
    panel = AppearancePanel()
    qtbot.addWidget(panel)
    heard: list[Style] = []
    panel.chosen.connect(lambda style, kind: heard.append(style))
    for style in (Style(), Style("viridis", 0.3, False, (0.25, 0.5), False, False)):
        panel.show_scene(Scene(Session(style=style)))
    assert heard == []
    assert panel.low.value() == 0.25
    assert panel.high.value() == 0.5


def test_small_ranges_can_be_set(qtbot: QtBot) -> None:
    panel = AppearancePanel()
    qtbot.addWidget(panel)
    heard: list[Style] = []
    panel.chosen.connect(lambda style, kind: heard.append(style))
    panel.show_scene(Scene(Session(style=Style(range=(0.00002, 0.00456789)))))
    panel.high.stepBy(1)
    low, high = heard[-1].range
    assert low == 0.00002
    assert 0.0045 < high < 0.006, "one step is a step of this range"


def test_predictions_tell_long_names_whole(qtbot: QtBot) -> None:
    bars = ProbabilityBars()
    qtbot.addWidget(bars)
    bars.set_rows([("a class with a very long name " * 5, 0.123), ("b", 0.0)])
    assert "a class with a very long name " * 5 in bars.toolTip()
    assert "12.3 %" in bars.accessibleDescription()
    assert "< 0.1 %" in bars.accessibleDescription()
    bars.resize(60, 80)
    bars.grab()


def test_status_words_are_never_markup(qtbot: QtBot) -> None:
    status = StatusBar()
    qtbot.addWidget(status)
    status.show_idle("Saved <b>x</b> & y.png")
    assert status.state.text() == "Saved <b>x</b> & y.png"
    assert status.state.textFormat() == Qt.TextFormat.PlainText
    status.show_progress(Stage("method", name="<i>"), 0.5)
    assert status.state.text() == "<i>"


def test_the_progress_bar_stays_in_place_from_stage_to_stage(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    status = StatusBar()
    window.setStatusBar(status)
    window.resize(500, 200)
    window.show()
    status.facts.setText("CPU    197 tokens    forward 764 ms    map 9 ms")
    places = []
    for stage in (
        Stage("method_layer", 2, 12, "gradient-rollout"), Stage("block", 0, 12),
        Stage("loading_model"),
    ):  # fmt: skip
        status.show_progress(stage, 0.5)
        QApplication.processEvents()
        assert status.state.width() >= status.state.sizeHint().width(), "no word is cut"
        places.append(status.progress.x())
    assert places[0] == places[1] == places[2]
    status.show_idle()
    QApplication.processEvents()
    assert status.state.width() < 100
    assert status.facts.isVisible()


def test_banner_says_what_is_asked_and_what_went_wrong(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    chosen: list[str] = []
    banner.say("Really?", (("Yes", lambda: chosen.append("yes")), ("No", lambda: None)))
    assert banner.messages[0].property("kind") == "question"
    assert [button.text() for button in banner.buttons] == ["Yes", "No"]
    qtbot.mouseClick(banner.buttons[0], Qt.MouseButton.LeftButton)
    assert chosen == ["yes"]
    assert banner.isHidden()
    banner.show_error(VitvizError("It broke.", "Mend it."), "While mending:")
    assert banner.text.text() == "While mending: It broke. Mend it."
    assert banner.buttons == []
    assert banner.messages[0].property("kind") == "error"
    banner.say("<b>not markup</b>")
    assert banner.text.textFormat() == Qt.TextFormat.PlainText


def test_banner_answer_may_say_something_itself(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.say("First", (("Go", lambda: banner.say("Second")),))
    qtbot.mouseClick(banner.buttons[0], Qt.MouseButton.LeftButton)
    assert not banner.isHidden()
    assert banner.text.text() == "Second"


def raised() -> ValueError:
    try:
        raise ValueError("deep inside")
    except ValueError as error:
        return error


def test_reports_are_whole(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.show_error(raised())
    qtbot.mouseClick(banner.buttons[0], Qt.MouseButton.LeftButton)
    text = QGuiApplication.clipboard().text()
    assert "in raised" in text
    assert all(name in text for name, _ in versions())
    assert "ValueError: deep inside" in text


@pytest.fixture
def quiet_log():
    log = logging.getLogger("vitviz")
    before = list(log.handlers)
    yield log
    for handler in log.handlers[len(before) :]:
        handler.close()
    log.handlers = before


def test_unexpected_errors_are_kept_in_a_log(tmp_path: Path, quiet_log) -> None:
    path = start_log(tmp_path / "deep" / "folder")
    assert path is not None
    logging.getLogger("vitviz.gui").error("ünexpected", exc_info=raised())
    logging.getLogger("vitviz.gui").info("chatter")
    text = path.read_text(encoding="utf-8")
    assert "ünexpected" in text
    assert "ValueError: deep inside" in text
    assert "chatter" not in text


def test_without_a_place_for_a_log(tmp_path: Path, quiet_log) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert start_log(tmp_path / "file") is None


def test_what_nobody_took_is_shown(qtbot: QtBot, monkeypatch, capsys, caplog) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    unexpected = Unexpected()
    unexpected.install()
    shown: list[BaseException] = []
    unexpected.happened.connect(shown.append)
    error = raised()
    sys.excepthook(ValueError, error, error.__traceback__)
    sys.excepthook(ValueError, error, error.__traceback__)
    assert shown == [], "not in the middle of whatever failed"
    qtbot.waitUntil(lambda: shown == [error])
    assert "deep inside" in capsys.readouterr().err
    assert "deep inside" in caplog.text

    def fails() -> None:
        raise RuntimeError("on a thread")

    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(shown) == 2)
    assert str(shown[1]) == "on a thread"


def test_an_interrupt_is_not_an_error(qtbot: QtBot, monkeypatch, capsys) -> None:
    unexpected = Unexpected()
    shown: list[BaseException] = []
    unexpected.happened.connect(shown.append)
    unexpected.take(KeyboardInterrupt, KeyboardInterrupt(), None)
    qtbot.wait(0)
    assert shown == []
