"""Stations as files: pictures, pages, films, each saying what made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog

from tests.gui.conftest import Driver
from tests.gui.test_how_view import click_stop, how, settled, view_of
from vitviz.exporting.stamp import read
from vitviz.gui.commands.stations import alike

__all__ = ["how"]


@pytest.fixture
def target(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Where the next file is to go."""

    def to(name: str) -> Path:
        path = tmp_path / name
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
        return path

    return to


def saved(how: Driver, path: Path) -> None:
    how.until(lambda: path.exists() and not how.window.jobs.is_busy)


def test_a_station_as_a_picture_and_a_page(how: Driver, target) -> None:  # type: ignore[no-untyped-def]
    click_stop(how, "read")
    path = target("read.png")
    how.do("file.station")
    saved(how, path)
    with Image.open(path) as image:
        pixels = np.asarray(image)
    assert pixels.shape[1] == 2 * 860
    assert (pixels[0, :] == 255).all(), "on white, whatever the theme"
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000, "with the photo in it"
    provenance = read(path)
    assert provenance.settings == {"station": "read"}
    assert provenance.maps[0].caption
    page = target("read.pdf")
    how.do("file.station")
    saved(how, page)
    assert page.read_bytes().startswith(b"%PDF-")
    assert read(page).settings == {"stations": ["read"]}


def test_a_handout_has_all_stations(how: Driver, target) -> None:  # type: ignore[no-untyped-def]
    """Five pages, and one of answers; whatever was never opened is asked for."""
    path = target("handout.pdf")
    how.do("file.handout")
    saved(how, path)
    content = path.read_bytes()
    assert content.count(b"/Type /Page\n") + content.count(b"/Type /Page ") == 6
    assert read(path).settings["stations"] == ["story", "cut", "place", "blocks", "read"]
    settled(how)


def test_the_photo_falls_apart_in_a_film(how: Driver, target) -> None:  # type: ignore[no-untyped-def]
    click_stop(how, "cut")
    path = target("cut.gif")
    how.do("file.station_film")
    saved(how, path)
    with Image.open(path) as film:
        assert film.n_frames == 16
        first = np.asarray(film.convert("RGB"))
        film.seek(15)
        assert (np.asarray(film.convert("RGB")) != first).any()
    assert read(path).kind == "animation"
    assert view_of(how).stop == "cut"


def test_frames_of_one_size() -> None:
    small, large = np.zeros((2, 5, 3), np.uint8), np.zeros((4, 3, 3), np.uint8)
    first, second = alike([small, large])
    assert first.shape == second.shape == (4, 5, 3)
    assert (first[2:] == 255).all()
    assert (first[:2] == 0).all()
