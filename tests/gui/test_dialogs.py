"""The dialogs hold what they should, and do what they say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QColorDialog, QDialog

from vitviz import __version__
from vitviz.gui import theme
from vitviz.gui.commands.table import COMMANDS
from vitviz.gui.dialogs.about import TextDialog, about_text
from vitviz.gui.dialogs.palette import PaletteDialog
from vitviz.gui.dialogs.preferences import PreferencesDialog
from vitviz.gui.settings import Preferences

from .conftest import Driver

ACCEPTED = QDialog.DialogCode.Accepted


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says what the next dialogs are answered with."""

    def with_(does: Callable[[QDialog], None]) -> None:
        def exec_(dialog: QDialog) -> int:
            dialog.show()
            does(dialog)
            return dialog.result()

        monkeypatch.setattr(QDialog, "exec", exec_)

    return with_


def read(driver: Driver, answer: Callable[..., None], command: str) -> str:
    """The text of the dialog that a command opens."""
    texts: list[str] = []

    def look(dialog: QDialog) -> None:
        assert isinstance(dialog, TextDialog)
        texts.append(dialog.text.toPlainText())
        dialog.reject()

    answer(look)
    driver.do(command)
    return texts[0]


def test_about(empty: Driver, answer: Callable[..., None]) -> None:
    text = read(empty, answer, "help.about")
    assert all(words in text for words in (__version__, "torch", "Apache License", "LGPL"))
    assert "nothing is sent anywhere" in text
    assert "http:" not in about_text()


def test_the_guide_needs_no_network(empty: Driver, answer: Callable[..., None]) -> None:
    text = read(empty, answer, "help.guide")
    assert "Asking a patch" in text
    assert "docs/images" not in text, "pictures are in the repository only"


def test_keyboard_names_every_key(empty: Driver, answer: Callable[..., None]) -> None:
    text = read(empty, answer, "help.keys")
    for command in COMMANDS:
        if command.keys:
            assert command.title.replace("&", "") in text
    assert "Enter" in text
    assert "&" not in text


def test_model_card(ui: Driver, answer: Callable[..., None]) -> None:
    texts: list[str] = []
    answer(lambda dialog: (texts.append(dialog.text.toPlainText()), dialog.reject()))
    ui.qtbot.mouseClick(ui.window.panels.model.details, Qt.MouseButton.LeftButton)
    card = ui.cell.card
    assert card.title in texts[0]
    assert card.sha256 in texts[0]
    assert f"{card.config.depth} layers, {card.config.heads} heads" in texts[0]


def test_the_palette_finds_and_runs(ui: Driver, answer: Callable[..., None]) -> None:
    def type_and_enter(dialog: QDialog) -> None:
        assert isinstance(dialog, PaletteDialog)
        ui.qtbot.keyClicks(dialog.search, "layer prev")
        assert dialog.found.count() == 1
        assert "[" in dialog.found.item(0).text()
        ui.qtbot.keyClick(dialog.search, Qt.Key.Key_Return)
        assert dialog.result() == ACCEPTED

    answer(type_and_enter)
    ui.press("view.palette")
    assert ui.window.canvas.heat_map.layer == ui.cell.card.config.depth - 2


def test_the_palette_by_arrows_and_with_nothing_found(
    ui: Driver, answer: Callable[..., None]
) -> None:
    def arrows(dialog: QDialog) -> None:
        ui.qtbot.keyClicks(dialog.search, "zoom")
        ui.qtbot.keyClick(dialog.search, Qt.Key.Key_Down)
        assert dialog.chosen == "view.zoom_out"
        ui.qtbot.keyClick(dialog.search, Qt.Key.Key_Up)
        assert dialog.chosen == "view.zoom_in"
        dialog.reject()

    answer(arrows)
    ui.press("view.palette")

    def nonsense(dialog: QDialog) -> None:
        ui.qtbot.keyClicks(dialog.search, "no such command")
        assert dialog.found.count() == 0
        ui.qtbot.keyClick(dialog.search, Qt.Key.Key_Return)

    before = ui.session
    answer(nonsense)
    ui.press("view.palette")
    assert ui.session == before


def test_the_palette_lists_only_what_can_be_done(
    empty: Driver, answer: Callable[..., None]
) -> None:
    titles: list[str] = []

    def look(dialog: QDialog) -> None:
        titles.extend(dialog.found.item(i).text() for i in range(dialog.found.count()))
        dialog.reject()

    answer(look)
    empty.press("view.palette")
    assert any(title.startswith("Open Photos") for title in titles)
    assert not any(title.startswith(("Close Photo", "Command Palette")) for title in titles)


@pytest.mark.parametrize("name", ["light", "dark", "system"])
def test_themes(empty: Driver, answer: Callable[..., None], name: str) -> None:
    def choose(dialog: QDialog) -> None:
        assert isinstance(dialog, PreferencesDialog)
        dialog.theme.show_value(name)
        dialog.accept()

    answer(choose)
    empty.press("edit.preferences")
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    expected = theme.colours(app, name)  # type: ignore[arg-type]
    assert app.palette().color(QPalette.ColorRole.Window) == QColor(expected.panel)
    assert empty.window.preferences.theme == name
    assert empty.window.settings.preferences().theme == name


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (Qt.ColorScheme.Light, theme.LIGHT),
        (Qt.ColorScheme.Dark, theme.DARK),
        (Qt.ColorScheme.Unknown, theme.DARK),
    ],
)
def test_the_first_start_looks_like_the_desktop(
    scheme: Qt.ColorScheme, expected: theme.Colours
) -> None:
    hints = SimpleNamespace(colorScheme=lambda: scheme)
    app = SimpleNamespace(styleHints=lambda: hints)
    assert Preferences().theme == "system"
    assert theme.colours(app, "system") is expected  # type: ignore[arg-type]


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(name: str) -> float:
        colour = QColor(name)
        parts = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (colour.redF(), colour.greenF(), colour.blueF())
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=lambda c: c.name)
def test_text_can_be_read(colours: theme.Colours) -> None:
    for ground in (colours.panel, colours.raised, colours.canvas):
        assert contrast(colours.text, ground) >= 7
        assert contrast(colours.quiet, ground) >= 4.5
    assert contrast(colours.on_accent, colours.accent) >= 4.5


def test_cancelled_preferences_change_nothing(empty: Driver, answer: Callable[..., None]) -> None:
    def change_mind(dialog: QDialog) -> None:
        dialog.limit.setValue(3)
        dialog.follow.setChecked(True)
        dialog.reject()

    before = empty.window.preferences
    answer(change_mind)
    empty.press("edit.preferences")
    assert empty.window.preferences == before


def test_the_pixel_limit(ui: Driver, answer: Callable[..., None], tmp_path: Path) -> None:
    Image.new("L", (1500, 1000), 9).save(tmp_path / "big.png")

    def lower(dialog: QDialog) -> None:
        dialog.limit.setValue(1)
        dialog.accept()

    answer(lower)
    ui.press("edit.preferences")
    ui.window.documents.add([tmp_path / "big.png"])
    ui.until(lambda: ui.window.banner.buttons)
    assert ui.window.settings.preferences().max_pixels == 1_000_000


def test_the_background_behind_a_transparent_photo(
    ui: Driver, answer: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGBA", (60, 40), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    ui.window.documents.add([tmp_path / "clear.png"])
    ui.settle()
    assert tuple(ui.window.controller.opened.photo.pixels[5, 5]) == (255, 255, 255)
    monkeypatch.setattr(QColorDialog, "getColor", lambda *_: QColor(10, 200, 30))

    def green(dialog: QDialog) -> None:
        dialog.colour.click()
        assert dialog.colour.text() == "#0ac81e"
        dialog.accept()

    answer(green)
    ui.press("edit.preferences")
    ui.settle()
    ui.until(lambda: tuple(ui.window.controller.opened.photo.pixels[5, 5]) == (10, 200, 30))
    ref = ui.session.photo
    ui.until(lambda: tuple(ui.window.panels.photos.preview(ref).thumbnail[5, 5]) == (10, 200, 30))
    assert tuple(ui.cell.input_pixels[5, 5]) == (10, 200, 30)
    ui.do("edit.undo")
    ui.settle()
    ui.until(lambda: tuple(ui.window.controller.opened.photo.pixels[5, 5]) == (255, 255, 255))
