"""Names of photos, classes and models that were chosen to do harm, in a real window."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QTextEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.gui.walk import faults, tip_size
from tests.hostile import CLASS_NAMES, CONTROLS, FILE_NAMES, LONG, MARKUP, save_hostile_checkpoint
from vitviz.errors import VitvizError
from vitviz.gui.dialogs.about import Page, TextDialog, card_text
from vitviz.gui.panels.predictions import ProbabilityBars
from vitviz.gui.widgets.banner import Banner
from vitviz.gui.widgets.elided import ElidedLine
from vitviz.gui.widgets.status import StatusBar
from vitviz.gui.widgets.text import (
    LEAST_WIDTH,
    PlainLabel,
    is_rich,
    menu_text,
    set_tooltip,
    unmarked,
    window_title,
)
from vitviz.methods import METHODS
from vitviz.progress import Stage
from vitviz.session.state import Pane

from .conftest import Driver, draw

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other systems have no such names of files"
)

ABOUT_CLASSES = next(name for name, method in METHODS.items() if method.class_specific)

DIALOGS = (
    "file.export_figure", "file.export_data", "file.export_animation", "file.batch",
    "compare.split", "edit.preferences", "view.palette", "help.keys", "help.about", "help.guide",
    "model.finetune",
)  # fmt: skip


@pytest.fixture
def walked(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Every dialog that is executed is walked and then cancelled; what was wrong, by its kind."""
    found: dict[str, list[str]] = {}

    def walk(dialog: QDialog) -> QDialog.DialogCode:
        dialog.show()
        QApplication.processEvents()
        found[type(dialog).__name__] = faults(dialog)
        dialog.reject()
        return QDialog.DialogCode.Rejected

    monkeypatch.setattr(QDialog, "exec", walk)
    return found


@pytest.fixture
def hostile(empty: Driver, tmp_path: Path) -> Driver:
    """A window with hostile photos, two panes, and a hostile model."""
    folder = tmp_path / "strangers"
    folder.mkdir()
    photos = [draw(folder / name, 60, 40, seed) for seed, name in enumerate(FILE_NAMES)]
    checkpoint = save_hostile_checkpoint(tmp_path / f"{FILE_NAMES[0]}.safetensors")
    empty.begin([*photos, checkpoint])
    return empty


def least_width(window: QWidget) -> int:
    layout = window.layout()
    assert layout is not None
    layout.activate()
    return layout.totalMinimumSize().width()


def test_every_widget_of_the_window(hostile: Driver, walked: dict[str, list[str]]) -> None:
    window = hostile.window
    assert hostile.cell.card.class_names == CLASS_NAMES
    assert faults(window) == []
    for number, _ in enumerate(FILE_NAMES):
        session = replace(hostile.session, selected=number)
        view = replace(session.view, method=ABOUT_CLASSES, target=number)
        window.store.set(replace(session, view=view))
        hostile.settle()
        assert faults(window) == []
    other = hostile.session.pane
    photo = hostile.session.photos[1]
    others = (Pane(photo, other.model, other.input, other.view), replace(other, view=replace(
        other.view, target=2)))  # fmt: skip
    compare = replace(hostile.session.compare, others=others)
    for tab in ("look", "heads", "patches", "masked", "compare"):
        window.store.set(replace(hostile.session, tab=tab, compare=compare))
        hostile.settle()
        hostile.until(lambda: not window.service.is_busy)
        assert faults(window) == []
    for arrangement in ("difference", "wipe"):
        compare = replace(hostile.session.compare, arrangement=arrangement)
        window.store.set(replace(hostile.session, compare=compare))
        hostile.until(lambda: not window.service.is_busy)
        assert faults(window) == []
    window.store.set(replace(hostile.session, tab="look"))
    hostile.settle()
    for ref in hostile.session.photos:
        window.settings.add_recent("photos", ref.path)
    window.recent_menu.aboutToShow.emit()
    assert len(window.recent_menu.actions()) > len(FILE_NAMES)
    assert faults(window.recent_menu) == []
    window.panels.model.details.click()
    for name in DIALOGS:
        hostile.do(name)
        hostile.until(lambda: not window.service.is_busy)
    for dialog in (window.batch.dialog, window.finetuning.dialog):
        assert dialog is not None
        assert faults(dialog) == []
        dialog.close()
    assert {"FigureDialog", "SplitDialog", "TextDialog", "PaletteDialog"} <= walked.keys()
    assert {name: wrong for name, wrong in walked.items() if wrong} == {}


@pytest.mark.shared
def test_an_attack_that_was_rendered_as_html(
    empty: Driver, shared: Path, photos: list[Path], walked: dict[str, list[str]]
) -> None:
    empty.begin([*photos, shared / "data" / "attacks" / "evil.safetensors"])
    assert faults(empty.window) == []
    empty.window.panels.model.details.click()
    assert {name: wrong for name, wrong in walked.items() if wrong} == {}


def test_the_window_is_as_narrow_as_with_ordinary_names(
    hostile: Driver, make_window, photos: list[Path], qtbot: QtBot
) -> None:
    ordinary = Driver(make_window(reopen=False), qtbot)
    ordinary.begin(photos)
    least = least_width(ordinary.window)
    assert least_width(hostile.window) <= least
    for ui, name in ((ordinary, "photo.png"), (hostile, LONG)):
        window = ui.window
        window.status.show_idle(f"Saved {name}")
        window.job_view.show_progress(f"Writing {name}", Stage("starting"), 0.0)
        window.training_line.show_started(name)
        window.banner.say(name, (("Open anyway", lambda: None),))
        least = max(least, least_width(ordinary.window))
    assert least_width(hostile.window) <= least


def test_names_stay_recognisable(hostile: Driver) -> None:
    panel = hostile.window.panels.photos
    names = [panel.photos.index(row, 0).data() for row in range(panel.photos.rowCount())]
    assert names[0] == FILE_NAMES[0]
    assert names[5] == FILE_NAMES[5]
    assert names[1] == "�[2Ja�b��gpj��.png"
    assert names[3] == "bytes��.png"
    assert hostile.window.windowTitle() == f"{FILE_NAMES[0]} – vitviz".replace("[*]", "[*][*]")


def test_a_name_of_bytes_lasts_until_the_next_start(
    hostile: Driver, make_window, qtbot: QtBot
) -> None:
    hostile.window.store.set(replace(hostile.session, selected=3))
    hostile.settle()
    assert os.fsencode(hostile.session.photo.path).endswith(b"bytes\xff\xe4.png")
    hostile.window.close()
    again = Driver(make_window(), qtbot)
    again.begin([])
    assert again.session.photos == hostile.session.photos
    assert again.photo_names() == list(FILE_NAMES)


# Widget by widget


def test_the_walk_finds_what_is_wrong(qtbot: QtBot) -> None:
    root = QWidget()
    qtbot.addWidget(root)
    label = QLabel(MARKUP, root)
    assert len(faults(root)) == 1
    label.setTextFormat(Qt.TextFormat.PlainText)
    assert faults(root) == []
    label.setText(CONTROLS)
    root.setToolTip(f"<b>{MARKUP}")
    root.addAction(LONG).setParent(root)
    page = QTextEdit(root)
    page.setHtml(MARKUP)
    assert len(faults(root)) == 5, "the action's tooltip is its text"


def test_a_label_shows_letters(qtbot: QtBot) -> None:
    label = PlainLabel(MARKUP)
    qtbot.addWidget(label)
    assert label.text() == MARKUP
    label.setText(f"<b>{CONTROLS}\nb")
    assert faults(label) == []
    assert label.text().endswith("\nb")
    label.setText(LONG)
    assert label.minimumSizeHint().width() <= LEAST_WIDTH
    label.setWordWrap(True)
    assert label.minimumSizeHint().width() <= 160
    assert len(label.text()) == 2000
    assert "\u200b" not in label.text()


def test_what_can_be_copied_has_nothing_put_into_it(qtbot: QtBot) -> None:
    banner = Banner()
    qtbot.addWidget(banner)
    banner.say(f"/home/{'long' * 15}/name.png is damaged.")
    assert QLabel.text(banner.text) == f"/home/{'long' * 15}/name.png is damaged."
    banner.show_error(VitvizError(f"{LONG} is <b>damaged</b>.", f"a\n{CONTROLS}"))
    assert faults(banner) == []
    assert len(banner.text.text()) <= 900
    banner.show_error(ValueError(f"a\nb{CONTROLS}"))
    assert "(ValueError: a b" in banner.text.text()
    assert faults(banner) == []


@pytest.mark.parametrize(
    "text", [MARKUP, f"<b>{CONTROLS}", LONG, "x\n" * 500, "<" * 500, "a " * 900]
)
def test_a_tooltip_says_letters_and_fits_the_screen(qtbot: QtBot, text: str) -> None:
    widget, action = QWidget(), QAction()
    qtbot.addWidget(widget)
    for thing in (widget, action):
        set_tooltip(thing, text)
        assert faults(widget) == []
        width, height = tip_size(thing.toolTip())
        assert width < 1200
        assert height < 700


def test_a_tooltip_reads_as_it_was_given(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    for text in ("a & b", "a  <i>b</i>\n&lt; c", "word " * 40 + "<end>"):
        set_tooltip(widget, text)
        shown = QTextDocument()
        if is_rich(widget.toolTip()):
            shown.setHtml(widget.toolTip())
        else:
            shown.setPlainText(widget.toolTip())
        assert shown.toPlainText().replace("\u2028", "\n") == text
    set_tooltip(widget, "")
    assert widget.toolTip() == ""


def test_titles(qtbot: QtBot) -> None:
    assert menu_text("R&D <b>") == "R&&D <b>"
    assert len(menu_text(LONG)) == 80
    assert unmarked("a.npz exists") == "a.npz exists"
    assert not is_rich("a < b")
    assert "&lt;b&gt;" in unmarked("<b>.npz exists")
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.setWindowTitle(window_title("a[*]b"))
    widget.show()
    assert widget.windowTitle() == "a[*][*]b"


def test_bars_lines_and_the_status_bar(qtbot: QtBot) -> None:
    bars, line, status = ProbabilityBars(), ElidedLine(), StatusBar()
    for widget in (bars, line, status):
        qtbot.addWidget(widget)
        widget.resize(200, 80)
    bars.set_rows([(MARKUP, 0.5), (LONG, 0.3), (CONTROLS, 0.2)], 0, True)
    line.show_texts(LONG, CONTROLS)
    status.show_idle(MARKUP + CONTROLS)
    for widget in (bars, line, status):
        assert faults(widget) == []
        widget.grab()
    assert MARKUP in bars.rows[0][0]


def test_a_page_loads_nothing(qtbot: QtBot, tmp_path: Path) -> None:
    picture = draw(tmp_path / "probe.png", 64, 48)
    asked: list[str] = []

    class Watched(Page):
        def loadResource(self, kind: int, name: QUrl | str) -> object:
            asked.append(name.toString() if isinstance(name, QUrl) else name)
            return super().loadResource(kind, name)

    page = Watched()
    qtbot.addWidget(page)
    page.resize(300, 200)
    for address in (picture.as_uri(), str(picture), "//host/share/x.png", "http://host/x.png"):
        page.setHtml(f'<p><img src="{address}" width="64" height="48"></p>')
        image = page.grab().toImage()
        colours = {image.pixelColor(x, y).rgb() for x in range(10, 60) for y in range(10, 50)}
        assert len(colours) == 1, "the picture is not there"
    assert len(asked) == 4, "Qt asks for them here, and nowhere else"


def test_the_model_card(qtbot: QtBot, hostile: Driver) -> None:
    card = replace(hostile.cell.card, measured=((MARKUP, CONTROLS), (LONG, "1")))
    dialog = TextDialog("Model card", card_text(card))
    qtbot.addWidget(dialog)
    dialog.show()
    assert faults(dialog) == []
    assert "host" in dialog.text.toPlainText()
    assert "<img" in dialog.text.toPlainText()
