"""Hostile names in what leaves the program: figures, pictures, films and what is said in them."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.figures.test_arrangement import panel
from tests.hostile import CONTROLS, FILE_NAMES, LONG, MARKUP, save_hostile_checkpoint, steering
from tests.samples import save_photo
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.exporting.figure_files import write_figure
from vitviz.exporting.map_files import write_map
from vitviz.exporting.stamp import read
from vitviz.figures.draw import Drawing
from vitviz.figures.encode import encode
from vitviz.figures.panel import Grid
from vitviz.figures.spec import FigureSpec
from vitviz.figures.typesetting import Face
from vitviz.session.state import Pane, PhotoRef, Session, View, with_panes
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map

SVG = "{http://www.w3.org/2000/svg}"
TITLE = f"$\\frac{{a}} {MARKUP}{CONTROLS}\x00\ud800\ufffe"
SPEC = FigureSpec(width_mm=90, dpi=80, title=TITLE)


def strict(svg: bytes) -> list[str]:
    """Every text of an SVG that parses as XML."""
    root = ElementTree.fromstring(svg)
    assert not list(root.iter("img"))
    assert not [e for e in root.iter(f"{SVG}image") if not e.get("{http://www.w3.org/1999/xlink}"
                "href", "data:").startswith("data:")]  # fmt: skip
    return [element.text or "" for element in root.iter()]


@pytest.mark.parametrize("suffix", [".svg", ".pdf", ".png", ".tiff"])
def test_titles_headings_and_captions(suffix: str) -> None:
    grid = Grid(((replace(panel(5), heading=MARKUP), replace(panel(5), heading=LONG)),),
                caption=f"$x^{{{CONTROLS}")  # fmt: skip
    content = encode(grid, SPEC, suffix)
    words = [word.text for word in Drawing(grid, SPEC).layout.words]
    assert [word for word in words if steering(word, lines=False)] == []
    assert any("$\\frac{a}" in word for word in words), "letters, no formula"
    if suffix == ".svg":
        texts = strict(content)
        assert any("<img" in text for text in texts)
        assert [text for text in texts if steering(text)] == []
    if suffix == ".pdf":
        assert re.search(rb"/Title (\(|<)", content)
    if suffix == ".tiff":
        image = Image.open(io.BytesIO(content))
        assert not steering(image.tag_v2[270])  # type: ignore[attr-defined]


def test_a_title_of_ten_thousand_letters_is_cut_at_once() -> None:
    face = Face("DejaVu Sans")
    text = face.drawable(LONG)
    assert len(text) <= 1000
    short = face.shortened(text, 8, 60)
    assert short.endswith("…")
    assert face.fits(short, 8, 60)
    assert not face.fits(f"{short[:-1]}W…", 8, 60), "no letter more would fit"
    assert face.shortened("W", 8, 0.1) == ""
    assert face.shortened("WW", 8, face.width("WW", 8)) == "WW"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no such names elsewhere")
def test_files_of_hostile_photos_and_models(tmp_path: Path) -> None:
    photos = [PhotoRef(str(save_photo(tmp_path / name, i))) for i, name in enumerate(FILE_NAMES)]
    model = str(save_hostile_checkpoint(tmp_path / "m.safetensors"))
    panes = tuple(Pane(photo, model, view=View()) for photo in photos)
    session = replace(Session(tuple(photos), model=model), figure=replace(SPEC, content="compare"))
    engine, out = Engine(), tmp_path / "out"
    out.mkdir()
    session = with_panes(session, panes, 0)
    for suffix in (".svg", ".pdf", ".png"):
        path = out / f"figure{suffix}"
        write_figure(path, session, engine, "cpu")
        made = read(path)
        assert {facts.photo.name for facts in made.maps} == set(FILE_NAMES)
        if suffix == ".svg":
            texts = strict(path.read_bytes())
            names = [text for text in texts if text.endswith(".png")]
            assert "bytes□□.png" in names
            assert [text for text in texts if steering(text)] == []
    for ref in photos:
        one = replace(session, photos=(ref,), selected=0)
        (request, *_) = plan(one, "cpu")
        cell = engine.answer(request)
        words = caption(describe_map(cell, one.view))
        assert steering(words, lines=False) == []
        for suffix in (".png", ".jpg", ".tiff"):
            path = out / f"map{suffix}"
            write_map(path, engine.photos.get(request.photo, request.background), cell, one)
            with Image.open(path) as image:
                said = image.info.get("Description", image.info.get("comment", b""))
                text = said.decode() if isinstance(said, bytes) else said
                assert not steering(text)
            assert read(path).maps[0].photo.name == Path(ref.path).name
