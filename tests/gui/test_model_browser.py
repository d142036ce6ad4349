"""The model browser, with a hub on the loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from tests.models.hub_server import Hub, Served, serving
from vitviz.bundled import resource
from vitviz.gui.browser.dialog import ModelBrowser
from vitviz.gui.settings import Settings
from vitviz.gui.threads.downloads import Downloads
from vitviz.models import download_file

from .conftest import Driver

NAME = "timm/vit_base_patch16_224.mae"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(download_file, "WAIT_S", 0.0)
    with serving(Hub({"model.safetensors": Served(b"weights" * 999)})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


class Browser:
    """A browser without a window around it."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.qtbot = qtbot
        self.downloads = Downloads()
        self.settings = Settings(folder / "settings")
        self.dialog = ModelBrowser(self.downloads, self.settings)
        qtbot.addWidget(self.dialog)
        self.opened: list[str] = []
        self.dialog.opened.connect(self.opened.append)
        self.dialog.show_again()
        self.until(lambda: not self.dialog._looking)

    def until(self, condition: object) -> None:
        self.qtbot.waitUntil(condition, timeout=30_000)  # type: ignore[arg-type]

    def find(self, text: str) -> None:
        self.dialog.search.setText(text)

    def press(self) -> None:
        self.qtbot.mouseClick(self.dialog.facts.button, Qt.MouseButton.LeftButton)

    def ready(self) -> bool:
        return self.dialog.facts.button.isEnabled()

    def ask(self) -> None:
        self.press()
        self.until(self.ready)

    @property
    def button(self) -> str:
        return self.dialog.facts.button.text()

    @property
    def section(self) -> str:
        row = self.dialog.table.row
        return row.section if row else ""

    @property
    def said(self) -> str:
        facts = self.dialog.facts
        labels = (facts.title, facts.name, facts.terms, facts.problem, facts.words)
        return "\n".join(label.text() for label in labels if not label.isHidden())


@pytest.fixture
def browser(qtbot: QtBot, hub: Hub, tmp_path: Path, qapp: object) -> Iterator[Browser]:
    made = Browser(qtbot, tmp_path)
    yield made
    made.downloads.close()


def test_size_and_licence_are_shown_before_anything_comes(browser: Browser, hub: Hub) -> None:
    browser.find("mae")
    assert "CC BY-NC 4.0 – no commercial use" in browser.said
    assert not hub.asked
    hub.licence = "cc-by-4.0"
    browser.ask()
    assert "Licence: CC BY 4.0" in browser.said, "what the source says now counts"
    assert browser.button == "Download 7.0 kB"
    assert not any("resolve" in path for _, path, *_ in hub.asked)
    browser.press()
    browser.until(lambda: bool(browser.opened))
    assert Path(browser.opened[0]).read_bytes() == b"weights" * 999
    browser.until(lambda: browser.section == "here")
    assert browser.button == "Open"
    assert NAME in browser.said


def test_another_model_must_be_asked_about_again(browser: Browser, hub: Hub) -> None:
    browser.find("swin")
    browser.ask()
    assert browser.button.startswith("Download ")
    browser.qtbot.keyClick(browser.dialog.table, Qt.Key.Key_Down)
    assert browser.button == "Download…"
    browser.qtbot.keyClick(browser.dialog.table, Qt.Key.Key_Up)
    assert browser.button == "Download…"


def test_a_download_is_cancelled_and_goes_on(browser: Browser, hub: Hub, tmp_path: Path) -> None:
    hub.files["model.safetensors"].pause_s = 0.05
    browser.find("mae")
    browser.ask()
    browser.press()
    facts = browser.dialog.facts
    browser.until(lambda: facts.bar.value() > 200)
    assert "MB" in facts.words.text()
    browser.qtbot.mouseClick(facts.cancel, Qt.MouseButton.LeftButton)
    assert browser.button == "Download…"
    hub.files["model.safetensors"].pause_s = 0.0
    browser.until(lambda: any((tmp_path / "hf").glob("**/*.incomplete")))
    browser.ask()
    browser.press()
    browser.until(lambda: bool(browser.opened))


def test_what_goes_wrong_stands_beside_the_model(browser: Browser, hub: Hub) -> None:
    hub.files["model.safetensors"].sent = b"w" * 7 * 999
    browser.find("mae")
    browser.ask()
    browser.press()
    browser.until(browser.ready)
    assert "not what its source says it is" in browser.dialog.facts.problem.text()
    assert browser.button == "Try Again"
    assert not browser.opened


def test_gated_models_say_what_to_do(browser: Browser, hub: Hub) -> None:
    browser.find("dinov3 s/16 gated")
    browser.find("facebook/dinov3-vits16-pretrain-lvd1689m")
    assert "terms have to be accepted" in browser.said
    hub.gated = "manual"
    hub.files["model.safetensors"].status, hub.files["model.safetensors"].code = 403, "GatedRepo"
    browser.ask()
    browser.press()
    browser.until(browser.ready)
    assert "hf auth login" in browser.dialog.facts.problem.text()


def test_no_network_is_no_fault(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    browser.find("someone/else")
    assert "nothing is fetched before you say so" in browser.said
    browser.ask()
    assert browser.dialog.facts.problem.isHidden()
    assert "could not be reached" in browser.said
    assert "open without a network" in browser.said


def test_folders_of_ones_own(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    (folder / "best<b>.pth").write_bytes(b"12")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    browser.dialog.add_folder.click()
    browser.until(lambda: not browser.dialog._looking)
    browser.find("best")
    assert browser.said.startswith("best<b>.pth\n")
    browser.press()
    assert browser.opened == [str(folder / "best<b>.pth")]
    browser.dialog.forget.click()
    assert browser.dialog.folders == ()
    browser.until(lambda: not browser.dialog._looking)
    assert browser.dialog.table.row is None
    assert "No model is called so" in browser.said


def test_the_window_opens_what_was_fetched(ui: Driver, hub: Hub) -> None:
    weights = resource("models", "vitviz_small_v1.safetensors")
    hub.files["model.safetensors"] = Served(weights.read_bytes())
    ui.do("model.browse")
    dialog = ui.window.browser.dialog
    assert dialog is not None
    assert not dialog.isModal(), "the window can be used meanwhile"
    dialog.search.setText(NAME)
    dialog.facts.button.click()
    ui.until(dialog.facts.button.isEnabled)
    dialog.facts.button.click()
    ui.until(lambda: ui.window.store.session.model.endswith("model.safetensors"))
    ui.until(lambda: ui.window.card is not None and ui.window.card.bytes == weights.stat().st_size)
    ui.until(lambda: not ui.window.service.is_busy)
