"""Letters are set in an installed font that has them, and those that none has are named."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from matplotlib.font_manager import fontManager, get_font
from matplotlib.ft2font import FT2Font

from tests.figures.test_arrangement import panel
from tests.samples import NOBODY
from vitviz.exporting.lettering import Lettering
from vitviz.exporting.plate import Plate, Words
from vitviz.figures import fonts
from vitviz.figures.draw import Drawing
from vitviz.figures.encode import encode
from vitviz.figures.fonts import fonts_with, has
from vitviz.figures.panel import Grid
from vitviz.figures.spec import FigureSpec
from vitviz.figures.typesetting import Face
from vitviz.wording.names import missing_letters

GRID = Grid(((panel(5),),), caption="a caption")
CAT, DOG = "猫", "犬"


def save_font(path: Path, name: str, letters: str) -> Path:
    """A font whose letters are full squares."""
    glyphs = {".notdef": TTGlyphPen(None).glyph()}
    for letter in letters:
        pen = TTGlyphPen(None)
        pen.moveTo((0, 0))
        for corner in ((0, 800), (800, 800), (800, 0)):
            pen.lineTo(corner)
        pen.closePath()
        glyphs[f"u{ord(letter):x}"] = pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(letter): f"u{ord(letter):x}" for letter in letters})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": name, "styleName": "Regular", "psName": name})
    builder.setupOS2(usWeightClass=400)
    builder.setupPost()
    builder.save(path)
    return path


def forget() -> None:
    fonts._known.clear()
    fonts._letters_of.cache_clear()
    get_font.cache_clear() if hasattr(get_font, "cache_clear") else None


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two more fonts are installed, and of those that were there only DejaVu."""
    dejavu = [entry for entry in fontManager.ttflist if entry.name.startswith("DejaVu")]
    monkeypatch.setattr(fontManager, "ttflist", dejavu)
    for name, letters in (("Zoo Serif", CAT + DOG), ("Cat Sans", CAT)):
        fontManager.addfont(save_font(tmp_path / f"{name}.ttf", name, letters))
    forget()
    yield
    monkeypatch.undo()
    fontManager._findfont_cached.cache_clear()
    forget()


@pytest.mark.usefixtures("installed")
def test_each_letter_has_the_first_font_that_has_it() -> None:
    found = fonts_with((CAT, DOG, NOBODY))
    assert {letter: font.name for letter, font in found.items()} == {
        CAT: "Cat Sans", DOG: "Zoo Serif",
    }, "those without serifs come first"  # fmt: skip
    forget()
    assert fonts_with((CAT,)) == {CAT: found[CAT]}, "whatever else is asked for"
    assert has("Cat Sans", CAT)
    assert not has("Cat Sans", DOG)


@pytest.mark.usefixtures("installed")
def test_a_face_adds_what_its_text_needs_and_names_what_is_missing() -> None:
    face = Face("DejaVu Serif", f"é {CAT}{NOBODY}{DOG} \u202e")
    assert face.families == ("DejaVu Serif", "DejaVu Sans", "Cat Sans", "Zoo Serif")
    assert face.missing == NOBODY
    assert face.drawable(f"{CAT} {NOBODY}{DOG}") == f"{CAT} □{DOG}"
    assert Face("DejaVu Sans", "word").families == ("DejaVu Sans",)
    assert missing_letters("") == ""
    assert f"No installed font has {NOBODY}: a box" in missing_letters(face.missing)


def test_a_font_that_has_a_box_for_everything_does_not_count() -> None:
    assert all("Last Resort" not in font.name for font in fonts._in_order())


def test_what_is_no_font_any_more_has_no_letters(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"\0\1\0\0 broken")
    assert fonts._drawn_by(tmp_path / "broken.ttf", {CAT}) == set()
    assert fonts._drawn_by(tmp_path / "gone.ttf", {CAT}) == set()


@pytest.mark.usefixtures("installed")
def test_pixels_of_plates() -> None:
    lettering = Lettering(40)
    own, spare = lettering.length("ab"), lettering.length(CAT)
    assert lettering.length(f"ab{CAT}") == pytest.approx(own + spare)
    assert spare == pytest.approx(40, abs=1)
    black = np.zeros((60, 90, 3), np.uint8)
    pictures = {}
    for heading in (CAT, NOBODY):
        words = Words(heading, "")
        pictures[heading] = Plate((60, 90), None, [words], text=40).draw(black, words)
    title = pictures[CAT][40:80]
    assert (title < 60).all(axis=2).sum() > 500, "a full square is set"
    assert (pictures[NOBODY][40:80] != title).any()


@pytest.mark.usefixtures("installed")
def test_a_drawn_figure_has_the_letters_and_an_svg_has_their_fonts() -> None:
    spec = FigureSpec(width_mm=90, dpi=80, title=f"{CAT} and {DOG}{NOBODY}")
    drawing = Drawing(GRID, spec)
    assert drawing.layout.missing == NOBODY
    assert any(word.text.startswith(CAT) for word in drawing.layout.words)
    plain = Drawing(GRID, replace(spec, title=f"{NOBODY} and {NOBODY}")).pixels()
    assert (drawing.pixels() != plain).any()
    svg = encode(GRID, spec, ".svg").decode()
    embedded: dict[str, set[str]] = {}
    for name, data in re.findall(r"font-family:'([^']+)'[^}]*base64,([^)]+)\)", svg):
        font = TTFont(io.BytesIO(base64.b64decode(data)))
        embedded.setdefault(name, set()).update(map(chr, font.getBestCmap()))
    assert CAT in embedded["Cat Sans"]
    assert DOG in embedded["Zoo Serif"]
    assert CAT not in embedded["DejaVu Sans"]
    pdf = encode(GRID, spec, ".pdf")
    assert b"CatSans" in pdf.replace(b" ", b"") or b"Cat#20Sans" in pdf


def test_font_files_are_looked_into_once(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def counted(path: str) -> FT2Font:
        opened.append(path)
        return FT2Font(path)

    monkeypatch.setattr("matplotlib.ft2font.FT2Font", counted)
    fonts_with((CAT, DOG, NOBODY))
    assert opened
    before = opened.copy()
    fonts_with((CAT, DOG, NOBODY))
    assert opened == before
