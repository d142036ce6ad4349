"""What was on screen last time is there before torch is, said to be so, until it comes live."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from vitviz.engine.answers import Cell
from vitviz.gui.commands.rules import has_map
from vitviz.gui.threads import service
from vitviz.gui.window import Window

from .conftest import Driver

MakeWindow = Callable[..., Window]


@pytest.fixture
def last_time(
    make_window: MakeWindow, qtbot: QtBot, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> Cell:
    """A window showed a photo, and was closed; the next one has torch still to load."""
    monkeypatch.setattr("vitviz.gui.window.REMEMBERING_S", 60.0)
    window = make_window()
    ui = Driver(window, qtbot)
    ui.begin(photos[:1])
    cell = ui.cell
    window.close()
    monkeypatch.setattr(service, "is_imported", lambda: False)
    return cell


class Watch:
    """What a window shows, answer after answer."""

    def __init__(self, window: Window) -> None:
        self.shown: list[Cell] = []
        self.words: list[str] = []
        self.can_take: list[bool] = []
        self._window = window
        window.controller.refreshed.connect(self._look)

    def _look(self) -> None:
        cell = self._window.controller.shown_cell
        if cell is not None and (not self.shown or self.shown[-1] is not cell):
            self.shown.append(cell)
            origin = self._window.status.origin
            self.words.append("" if origin.isHidden() else origin.text())
            self.can_take.append(has_map(self._window.scene))


def test_the_map_of_last_time_comes_first_and_is_said_to_be_that(
    last_time: Cell, make_window: MakeWindow, qtbot: QtBot
) -> None:
    window = make_window()
    watch, ui = Watch(window), Driver(window, qtbot)
    window.service.engine.forget()
    window.begin([])
    ui.until(lambda: len(watch.shown) == 2)
    first, live = watch.shown
    assert (first.recalled, live.recalled) == ("last time", "")
    assert watch.words == ["From last time", ""]
    assert watch.can_take == [False, True]  # what leaves the program is live
    np.testing.assert_allclose(first.explanation.values, live.explanation.values, rtol=1e-5)
    assert first.card == live.card == last_time.card


def test_one_that_is_not_what_the_model_says_is_replaced_and_forgotten(
    last_time: Cell, make_window: MakeWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    window = make_window()
    (path,) = (window.settings.folder / "answers").iterdir()
    monkeypatch.setattr(service, "NEAR", -1.0)  # so near they cannot be
    watch, ui = Watch(window), Driver(window, qtbot)
    window.service.engine.forget()
    with caplog.at_level(logging.WARNING, service.__name__):
        window.begin([])
        ui.until(lambda: len(watch.shown) == 2)
    assert "not what the model says now" in caplog.text
    caplog.clear()
    assert not path.exists()


def test_a_choice_that_was_not_shown_last_time_has_to_be_computed(
    last_time: Cell, make_window: MakeWindow, qtbot: QtBot, photos: list[Path]
) -> None:
    window = make_window()
    watch, ui = Watch(window), Driver(window, qtbot)
    window.begin(photos[1:2])
    ui.settle()
    assert [cell.recalled for cell in watch.shown] == [""]
