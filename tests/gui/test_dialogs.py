"""The dialogs hold what they should, and do what they say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtWidgets import QApplication, QColorDialog, QDialog

from vitviz import __version__
from vitviz.bundled import resource
from vitviz.gui import theme
from vitviz.gui.commands.table import COMMANDS
from vitviz.gui.dialogs.about import TextDialog, about_text
from vitviz.gui.dialogs.guide import GuideWindow
from vitviz.gui.dialogs.palette import KEY, PaletteDialog
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


def opened_guide(ui: Driver, command: str) -> GuideWindow:
    ui.do(command)
    (guide,) = [one for one in ui.window.findChildren(GuideWindow) if one.isVisible()]
    assert not guide.isModal()
    return guide


def test_the_guide_is_read_beside_the_window(empty: Driver) -> None:
    guide = opened_guide(empty, "help.guide")
    assert opened_guide(empty, "help.guide") is guide, "there is one"
    text = guide.text.toPlainText()
    assert "Asking a patch" in text
    titles = [guide.contents.item(row).text().strip() for row in range(guide.contents.count())]
    assert titles[0] == guide.headings[1].title
    assert "Asking a patch" in titles
    guide.close()


def test_the_guide_shows_its_pictures_and_nothing_else(empty: Driver) -> None:
    guide = opened_guide(empty, "help.guide")
    source = resource("guide.md").read_text("utf-8")
    names = re.findall(r"!\[[^\]]*\]\(\.\./docs/images/([a-z0-9-]+)\.png\)", source)
    assert len(names) > 10
    for name in names:
        picture = guide.text.loadResource(2, QUrl(f"picture:{name}"))
        assert isinstance(picture, QImage)
        assert 300 < picture.width() <= 760, name
    for other in ("file:///etc/passwd", "picture:../../../x", "//server/share/a.png"):
        assert guide.text.loadResource(2, QUrl(other)).width() == 1
    guide.close()


def test_the_guide_is_searched(empty: Driver) -> None:
    guide = opened_guide(empty, "help.guide")
    empty.qtbot.keyClick(guide, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    empty.qtbot.keyClicks(guide.search, "rollout")
    words = guide.count.text()
    assert words.startswith("1 of ")
    empty.qtbot.keyClick(guide.search, Qt.Key.Key_Return)
    assert guide.count.text() == words.replace("1 of", "2 of")
    shift = Qt.KeyboardModifier.ShiftModifier
    for _ in range(2):
        empty.qtbot.keyClick(guide.search, Qt.Key.Key_Return, shift)
    count = int(words.removeprefix("1 of "))
    assert guide.count.text() == f"{count} of {count}"
    assert len(guide.text.extraSelections()) == count
    guide.search.setText("no such words")
    assert (guide.count.text(), guide.text.extraSelections()) == ("Not found", [])
    guide.close()


def test_the_contents_lead_to_their_headings(empty: Driver) -> None:
    guide = opened_guide(empty, "help.guide")
    row = guide.contents.count() // 2
    guide.contents.setCurrentRow(row)
    at = guide.text.cursorForPosition(QPoint(40, 30))
    assert at.block().text() == guide.contents.item(row).text().strip()
    guide.close()


def test_keyboard_names_every_key(empty: Driver) -> None:
    guide = opened_guide(empty, "help.keys")
    text = guide.text.toPlainText()
    for command in COMMANDS:
        if command.keys:
            assert command.title.replace("&", "") in text
    assert "Enter" in text
    assert "&" not in text
    guide.close()


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
        assert dialog.found.item(0).text() == "Previous Layer"
        assert dialog.found.item(0).data(KEY) == "["
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
        assert dialog.chosen.id == "view.zoom_out"
        ui.qtbot.keyClick(dialog.search, Qt.Key.Key_Up)
        assert dialog.chosen.id == "view.zoom_in"
        dialog.reject()

    answer(arrows)
    ui.press("view.palette")

    def nonsense(dialog: QDialog) -> None:
        ui.qtbot.keyClicks(dialog.search, "no such command")
        assert dialog.found.count() == 0
        assert dialog.nothing.isVisibleTo(dialog)
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


GROUNDS = ("canvas", "panel", "raised", "hover", "chosen")


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=lambda c: c.name)
def test_text_can_be_read_and_what_has_to_be_seen_is_seen(colours: theme.Colours) -> None:
    """On every ground that there is."""
    for ground in (getattr(colours, name) for name in GROUNDS):
        assert contrast(colours.text, ground) >= 7
        assert contrast(colours.quiet, ground) >= 4.5
        assert contrast(colours.accent, ground) >= 3
        assert contrast(colours.good, ground) >= 3
        assert contrast(colours.bad, ground) >= 3
    for ground in (colours.canvas, colours.panel, colours.raised):
        assert contrast(colours.edge, ground) >= 3
    for ground in (colours.panel, colours.raised):  # links, and what is said to be wrong
        assert contrast(colours.accent, ground) >= 4.5
        assert contrast(colours.bad, ground) >= 4.5
    assert contrast(colours.on_accent, colours.accent) >= 4.5


@pytest.mark.parametrize("colours", [theme.DARK, theme.LIGHT], ids=lambda c: c.name)
def test_every_rule_of_style_has_text_that_can_be_read_on_its_ground(
    colours: theme.Colours,
) -> None:
    """A walk over the style sheet: a rule that sets both, and those that set one of them."""
    sheet = re.sub(r"/\*.*?\*/", "", theme.style_sheet(colours), flags=re.DOTALL)
    walked = 0
    for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", sheet):
        found = dict(re.findall(r"(?:^|;|\s)(color|background): (#[0-9a-f]{6})", body))
        if ":disabled" in selector or "color" not in found:
            continue
        walked += 1
        grounds = [found["background"]] if "background" in found else [colours.panel]
        assert all(contrast(found["color"], one) >= 4.5 for one in grounds), selector
    assert walked > 15
    edges = re.findall(r"(Q\w+|#chips \w+)[^{}]*\{[^{}]*border: 1px solid (#[0-9a-f]{6})", sheet)
    fields = [
        colour for what, colour in edges if what in ("QComboBox", "QLineEdit", "#chips QToolButton")
    ]
    assert colours.edge in fields


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


@pytest.mark.parametrize(
    ("words", "title", "kind"),
    [
        ("rollout", "Attention rollout", "method"),
        ("viridis", "Viridis", "colours"),
        ("theme light", "Theme: Light", "preference"),
        ("whole photo", "Whole photo", "input"),
        ("photo2", "photo2.png", "photo"),
        ("giant panda", "giant panda", "class"),
    ],
)
def test_the_palette_knows_more_than_the_menus(
    ui: Driver, answer: Callable[..., None], words: str, title: str, kind: str
) -> None:
    def look(dialog: QDialog) -> None:
        assert isinstance(dialog, PaletteDialog)
        ui.qtbot.keyClicks(dialog.search, words)
        entry = dialog.chosen
        assert entry is not None
        assert (entry.title, entry.kind) == (title, kind)
        dialog.reject()

    answer(look)
    ui.press("view.palette")


def test_the_palette_remembers_what_was_done(ui: Driver, answer: Callable[..., None]) -> None:
    def choose(dialog: QDialog) -> None:
        ui.qtbot.keyClicks(dialog.search, "viridis")
        ui.qtbot.keyClick(dialog.search, Qt.Key.Key_Return)

    answer(choose)
    ui.press("view.palette")
    assert ui.session.style.colour_map == "viridis"
    seen: list[str] = []

    def look(dialog: QDialog) -> None:
        seen.append(dialog.found.item(0).text())
        dialog.reject()

    answer(look)
    ui.press("view.palette")
    assert seen == ["Viridis"]


def test_a_class_in_the_palette_is_asked_about(ui: Driver, answer: Callable[..., None]) -> None:
    def choose(dialog: QDialog) -> None:
        ui.qtbot.keyClicks(dialog.search, "class giant panda")
        ui.qtbot.keyClick(dialog.search, Qt.Key.Key_Return)

    answer(choose)
    ui.press("view.palette")
    ui.settle()
    assert ui.cell.class_name(ui.cell.target) == "giant panda"
