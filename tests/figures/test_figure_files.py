"""Figures as files: their sizes, their text, their pixels, and the same bytes each time."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zlib
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from tests.figures.test_arrangement import matrix, panel
from vitviz.errors import Cancelled, VitvizError
from vitviz.figures.draw import SETTINGS, Drawing
from vitviz.figures.encode import encode, size_text
from vitviz.figures.panel import Grid
from vitviz.figures.spec import FigureSpec
from vitviz.imaging.geometry import Box
from vitviz.maps.mass import mass_lines
from vitviz.maps.overlay import composite
from vitviz.maps.style import Style
from vitviz.progress import Stage

SMALL = FigureSpec(width_mm=60, dpi=100, text_pt=7)
GRID = replace(matrix(2, 2), title="Two & <two>")
ONE = Grid(((panel(5),),), caption="A caption")

SVG = "{http://www.w3.org/2000/svg}"


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def pdf_streams(content: bytes) -> list[bytes]:
    """The inflated streams of a PDF."""
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
    return [zlib.decompressobj().decompress(data) for data in found if data[:1] == b"x"]


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_pixel_formats_have_the_size_asked_for(suffix: str) -> None:
    image = opened(encode(GRID, SMALL, suffix))
    layout = Drawing(GRID, SMALL).layout
    assert image.size == (round(60 / 25.4 * 100), round(layout.height / 25.4 * 100))
    assert image.mode == "RGB"
    assert [round(float(d)) for d in image.info["dpi"]] == [100, 100]
    for pixels, mm in zip(image.size, (60, layout.height), strict=True):
        assert pixels / 100 * 25.4 == pytest.approx(mm, abs=25.4 / 100)


def test_a_pdf_has_the_size_asked_for_and_its_fonts_in_it() -> None:
    content = encode(GRID, SMALL, ".pdf")
    height = Drawing(GRID, SMALL).layout.height
    box = re.search(rb"/MediaBox \[ ?([\d. ]+)\]", content)
    assert box is not None
    left, bottom, right, top = map(float, box[1].split())
    assert (right - left, top - bottom) == pytest.approx(
        (60 / 25.4 * 72, height / 25.4 * 72), abs=1e-3
    )
    assert b"/FontFile2" in content
    assert b"/Subtype /Type3" not in content
    assert b"/ToUnicode" in content
    assert b"CreationDate" not in content
    assert any((b" Tf" in stream and b"Tj" in stream) or b"TJ" in stream
               for stream in pdf_streams(content))  # fmt: skip


def test_an_svg_has_its_size_in_millimetres_and_its_text_as_text() -> None:
    root = ElementTree.fromstring(encode(GRID, SMALL, ".svg"))
    height = Drawing(GRID, SMALL).layout.height
    assert root.get("width") == "60mm"
    assert float(root.get("height", "").removesuffix("mm")) == pytest.approx(height, rel=1e-5)
    box = [float(x) for x in root.get("viewBox", "").split()]
    assert box[2:] == pytest.approx([60 / 25.4 * 72, height / 25.4 * 72], rel=1e-5)
    told = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    for words in ("Two & <two>", "layer 1", "head 1", "mean"):
        assert words in told
    style = next(text.get("style", "") for text in root.iter(f"{SVG}text"))
    assert "DejaVu Sans" in style
    faces = "".join("".join(found.itertext()) for found in root.iter(f"{SVG}style"))
    assert faces.count("@font-face") == 2  # the title is bold


def test_the_pixels_of_a_map_are_those_of_the_overlay() -> None:
    drawing = Drawing(GRID, SMALL)
    pixels = drawing.pixels()
    for place, one in GRID.placed:
        left, top, width, height = drawing.box(place, SMALL.dpi)
        photo = Image.fromarray(one.photo).resize((width, height), Image.Resampling.LANCZOS,
                                                  reducing_gap=3.0)  # fmt: skip
        assert one.values is not None
        geometry = replace(one.geometry, photo_size=(height, width))
        expected = composite(np.asarray(photo), one.values, geometry, one.style, *one.ends)
        # The hairline lies half on the picture's outermost pixels.
        inner = pixels[top + 1 : top + height - 1, left + 1 : left + width - 1, :3]
        np.testing.assert_array_equal(inner, expected[1:-1, 1:-1])


def test_a_shared_range_is_that_of_all_panels() -> None:
    shared, drawn = replace(SMALL, sharing="all"), []
    for spec in (SMALL, shared):
        drawing = Drawing(GRID, replace(spec, colour_bar=False))
        left, top, width, height = drawing.box((1, 1), 100)
        drawn.append(drawing.pixels()[top : top + height, left : left + width, :3].astype(int))
    one, whole = GRID.panels[1][1], [p for _, p in GRID.placed]
    assert one is not None
    assert one.ends[1] < max(p.ends[1] for p in whole) / 3
    assert np.abs(drawn[0] - drawn[1]).max() > 40


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_same_figure_gives_the_same_bytes(suffix: str) -> None:
    assert encode(GRID, SMALL, suffix) == encode(GRID, SMALL, suffix)


@pytest.mark.slow
def test_the_same_bytes_come_from_another_process() -> None:
    code = (
        "import hashlib, sys\n"
        "from tests.figures.test_figure_files import GRID, SMALL\n"
        "from vitviz.figures.encode import encode\n"
        "for suffix in ('.png', '.svg', '.pdf'):\n"
        "    print(hashlib.sha256(encode(GRID, SMALL, suffix)).hexdigest())\n"
    )
    found = {
        subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "HOME": "/"},
                       capture_output=True, text=True, check=True).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(found) == 1


def test_grounds() -> None:
    light, dark, clear = (
        opened(encode(ONE, replace(SMALL, ground=ground), ".png"))  # type: ignore[arg-type]
        for ground in ("light", "dark", "transparent")
    )
    assert light.getpixel((0, 0)) == (255, 255, 255)
    assert max(dark.getpixel((0, 0))) < 40  # type: ignore[arg-type]
    assert clear.mode == "RGBA"
    assert clear.getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_the_photo_alone_and_the_map_alone() -> None:
    bare = replace(SMALL, ground="transparent", colour_bar=False)
    unseen = panel(5)
    unseen = replace(unseen, geometry=replace(unseen.geometry, window_origin=(0, 10),
                                              input_size=(20, 10)), values=unseen.values[:, :1])  # type: ignore[index]  # fmt: skip
    grid = Grid(((unseen,),))
    for draws in ("photo", "map"):
        drawing = Drawing(grid, replace(bare, draws=draws))  # type: ignore[arg-type]
        left, top, width, height = drawing.box((0, 0), 100)
        part = drawing.pixels()[top + 2 : top + height - 2, left + 2 : left + width - 2]
        if draws == "photo":
            scaled = Image.fromarray(unseen.photo).resize((width, height), Image.Resampling.LANCZOS,
                                                          reducing_gap=3.0)  # fmt: skip
            np.testing.assert_array_equal(part[..., :3], np.asarray(scaled)[2:-2, 2:-2])
        else:
            middle = slice(width // 3 + 2, 2 * width // 3 - 6)
            assert (part[:, middle, 3] == 255).all()
            assert (part[:, : width // 3 - 4, 3] == 0).all()


def test_cells_are_squares_in_vector_formats_and_pixels_elsewhere() -> None:
    spec = replace(SMALL, cells="vector")
    solid = replace(panel(5), style=Style(fade=False))  # else the least one is not drawn at all
    root = ElementTree.fromstring(encode(Grid(((solid,),)), spec, ".svg"))
    styles = [path.get("style", "") for path in root.iter(f"{SVG}path")]
    squares = [style for style in styles if "fill: #" in style and "fill-opacity" in style]
    assert len(squares) == 6  # 2 x 3 patches
    assert encode(ONE, spec, ".png") == encode(ONE, replace(spec, cells="pixels"), ".png")


def test_a_query_patch_is_framed() -> None:
    marked = replace(panel(5), marked=(Box(20, 20, 40, 40),))
    spec = replace(SMALL, colour_bar=False, dpi=200)
    plain, framed = (Drawing(Grid(((p,),)), spec) for p in (panel(5), marked))
    left, top, width, height = framed.box((0, 0), 200)
    changed = np.abs(plain.pixels().astype(int) - framed.pixels()).sum(axis=2) > 0
    rows, cols = np.nonzero(changed)
    assert rows.min() == pytest.approx(top + height / 2, abs=5)
    assert cols.min() == pytest.approx(left + width / 3, abs=5)
    assert cols.max() == pytest.approx(left + 2 * width / 3, abs=5)


def test_matplotlib_is_left_as_it_was() -> None:
    import matplotlib

    had_pyplot = "matplotlib.pyplot" in sys.modules  # other tests' libraries load it
    before = {name: matplotlib.rcParams[name] for name in SETTINGS}
    backend = matplotlib.rcParams._get("backend")
    encode(ONE, SMALL, ".svg")
    assert {name: matplotlib.rcParams[name] for name in SETTINGS} == before
    assert matplotlib.rcParams._get("backend") is backend
    assert ("matplotlib.pyplot" in sys.modules) == had_pyplot


def test_a_dollar_is_a_dollar() -> None:
    root = ElementTree.fromstring(encode(replace(ONE, caption="$x$ and $y"), SMALL, ".svg"))
    assert "$x$ and $y" in ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_too_many_pixels_are_refused_before_they_are_drawn() -> None:
    with pytest.raises(VitvizError, match="pixels"):
        encode(ONE, replace(SMALL, width_mm=1200, dpi=1200), ".png")


def test_a_figure_can_be_cancelled() -> None:
    def stop(stage: Stage, fraction: float) -> None:
        if fraction > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        encode(ONE, SMALL, ".png", stop)


def test_the_size_is_told_in_both_units() -> None:
    assert size_text(Drawing(ONE, SMALL)).startswith("60 × ")
    assert "236 × " in size_text(Drawing(ONE, SMALL))


def test_what_holds_most_is_outlined_on_the_map_and_not_on_the_photo_alone() -> None:
    one = panel(5)
    grid = Grid(((replace(one, style=replace(one.style, outlined=0.6)),),))
    plain = Grid(((one,),))
    assert (Drawing(grid, SMALL).pixels() != Drawing(plain, SMALL).pixels()).any()
    bare = replace(SMALL, draws="photo")
    assert (Drawing(grid, bare).pixels() == Drawing(plain, bare).pixels()).all()
    pieces = len(mass_lines(grid.placed[0][1].values, one.geometry, 0.6))  # type: ignore[arg-type]
    svg = encode(grid, SMALL, ".svg")
    assert svg.count(b"<path") >= encode(plain, SMALL, ".svg").count(b"<path") + 2 * pieces
