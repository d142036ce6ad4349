"""Nothing in a figure is cut off or lies over anything else, at any size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from vitviz.errors import VitvizError
from vitviz.figures.arrange import arrange, columns_for, letter
from vitviz.figures.layout import FigureLayout, Rect, Word
from vitviz.figures.panel import Axis, Grid, Panel
from vitviz.figures.spec import PRESETS, FigureSpec, Sharing
from vitviz.figures.typesetting import CAP, PT, SLACK, Face
from vitviz.imaging.geometry import Geometry
from vitviz.maps.style import Style

DESCENT = 0.22
LONG = "soft-coated wheaten terrier, also known as an Irish wheaten, and more"


def panel(seed: int, heading: str = "", size: tuple[int, int] = (40, 60), loud: float = 1) -> Panel:
    """A panel of a random map, 2 x 3 patches."""
    rng = np.random.default_rng(seed)
    height, width = size
    geometry = Geometry(size, (20, 30), (0, 0), (20, 30), 10)
    values = (loud * rng.gamma(0.5, 0.01, (2, 3))).astype(np.float32)
    photo = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    ends = (float(values.min()), float(values.max()))
    return Panel(photo, geometry, values, Style(), ends, "attention", heading)


def matrix(rows: int, cols: int) -> Grid:
    panels = tuple(
        tuple(panel(10 * r + c, loud=10.0**-r) for c in range(cols)) for r in range(rows)
    )
    heads = ("mean", *map(str, range(1, cols)))
    return Grid(panels, Axis(tuple(map(str, range(1, rows + 1))), "layer"), Axis(heads, "head"),
                caption=f"A model · {LONG} · 12 × 18 patches")  # fmt: skip


def strip(count: int, cols: int, heading: str) -> Grid:
    sizes = ((40, 60), (60, 40), (50, 50))
    cells = [panel(i, f"{heading} {i + 1}", sizes[i % 3]) for i in range(count)]
    cells_or_none = [*cells, *[None] * (-count % cols)]
    rows = tuple(tuple(cells_or_none[i : i + cols]) for i in range(0, len(cells_or_none), cols))
    return Grid(rows, title="", caption=LONG)


def word_box(word: Word, face: Face) -> Rect:
    """What a word covers; without the slack that its width was given."""
    length = face.width(word.text, word.size, word.bold) / SLACK
    above, below = CAP * word.size * PT, DESCENT * word.size * PT
    shift = {"left": 0.0, "center": -length / 2, "right": -length}[word.align]
    if word.upright:
        top = word.y - shift - length
        return Rect(word.x - above, top, above + below, length)
    return Rect(word.x + shift, word.y - above, length, above + below)


def overlaps(ones: list[Rect], others: list[Rect]) -> np.ndarray:
    """How far each box lies over each other one, in the direction in which it does least."""
    one, other = np.array(ones)[:, None], np.array(others)[None]
    ends = [np.minimum(one[..., i] + one[..., i + 2], other[..., i] + other[..., i + 2])
            for i in (0, 1)]  # fmt: skip
    starts = [np.maximum(one[..., i], other[..., i]) for i in (0, 1)]
    return np.minimum(ends[0] - starts[0], ends[1] - starts[1])


def check(layout: FigureLayout, spec: FigureSpec) -> None:
    face = Face(spec.font)
    told = [word for word in layout.words if word.text]
    words = [word_box(word, face) for word in told]
    others = [*layout.pictures.values(), *(bar.rect for bar in layout.bars)]
    for what, boxes in (("words", words), ("pictures", others)):
        for index, box in enumerate(boxes):
            named = told[index].text if what == "words" else what
            assert min(box.left, box.top) >= -0.01, named
            assert box.right <= layout.width + 0.01, named
            assert box.bottom <= layout.height + 0.01, named
    em = spec.text_pt * PT
    for name, boxes, more, allowed in (
        ("words", words, words, 0.1 * em),
        ("words and pictures", words, others, 0.08 * em),
        ("pictures", others, others, 0.01),
    ):
        found = overlaps(boxes, more)
        if boxes is more:
            np.fill_diagonal(found, -1)
        worst = np.unravel_index(found.argmax(), found.shape)
        assert found[worst] < allowed, (name, worst, [told[i].text for i in worst if boxes is words
                                                      and i < len(told)])  # fmt: skip


GRIDS = {
    "one": matrix(1, 1), "12 x 13": matrix(12, 13), "20 x 4": matrix(20, 4), "4 x 3": matrix(4, 3),
    "1 x 6": matrix(1, 6), "strip": strip(5, 3, LONG), "many": strip(12, 4, "layer"),
}  # fmt: skip


TOO_MUCH = (("12 x 13", "slide", True), ("20 x 4", "slide", True))
"""So many lines of letters at 16 points are higher than a slide."""


@pytest.mark.parametrize("preset", ["single-narrow", "double", "slide"])
@pytest.mark.parametrize("sharing", ["each", "row", "column", "all"])
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if len(GRIDS[name].placed) > 20 else name
             for name in GRIDS]
)  # fmt: skip
def test_nothing_overlaps_and_nothing_is_cut_off(name: str, sharing: Sharing, preset: str) -> None:
    size = PRESETS[preset]
    spec = FigureSpec(
        width_mm=size.width_mm, height_mm=size.height_mm, text_pt=size.text_pt,
        sharing=sharing, letters=sharing in ("row", "all"), title=LONG,
    )  # fmt: skip
    if (name, preset, spec.letters) in TOO_MUCH:
        with pytest.raises(VitvizError, match="do not fit"):
            arrange(GRIDS[name], spec)
        return
    layout = arrange(GRIDS[name], spec)
    assert layout.width == size.width_mm
    if size.height_mm:
        assert layout.height == size.height_mm
    check(layout, spec)


@example(rows=1, cols=2, width=40.0, text=10.0, tall=False)
@example(rows=1, cols=1, width=40.0, text=20.0, tall=False)
@settings(max_examples=10)
@given(st.integers(1, 6), st.integers(1, 6), st.floats(40, 400), st.floats(5, 20), st.booleans())
def test_any_size_holds_everything_or_is_refused(
    rows: int, cols: int, width: float, text: float, tall: bool
) -> None:
    spec = FigureSpec(width_mm=width, height_mm=0.75 * width if tall else 0, text_pt=text,
                      ground="dark", letters=tall)  # fmt: skip
    try:
        layout = arrange(matrix(rows, cols), spec)
    except VitvizError:
        assume(False)
    check(layout, spec)


def test_pictures_have_the_photos_shape_and_rows_are_aligned() -> None:
    layout = arrange(GRIDS["4 x 3"], FigureSpec())
    for rect in layout.pictures.values():
        assert rect.width / rect.height == pytest.approx(1.5)
    assert len({round(layout.pictures[2, c].top, 6) for c in range(3)}) == 1
    assert len({round(layout.pictures[r, 1].left, 6) for r in range(4)}) == 1


@pytest.mark.parametrize(
    ("sharing", "said"),
    [("each", "each map has its own range"), ("row", "one range for each row"),
     ("column", "one range for each column"), ("all", "one range for all")],
)  # fmt: skip
def test_sharing_and_scale_are_always_said(sharing: Sharing, said: str) -> None:
    grid = matrix(3, 4)
    for style, name in ((Style(scaling="root"), "root scale"), (Style(scaling="log"), "log scale")):
        cells = tuple(tuple(replace(p, style=style) for p in row if p) for row in grid.panels)
        layout = arrange(replace(grid, panels=cells), FigureSpec(sharing=sharing, width_mm=180))
        words = " ".join(word.text for word in layout.words)
        assert said in words
        assert name in words
        assert "attention" in words
        assert layout.bars


def test_numbers_at_bars_are_left_out_where_they_have_no_room_and_it_is_said() -> None:
    layout = arrange(GRIDS["12 x 13"], FigureSpec(width_mm=85))
    words = {word.text for word in layout.words}
    assert {"least", "greatest"} <= words
    assert any("each map has its own range" in text for text in words)


def test_maps_of_other_units_never_share() -> None:
    one, other = panel(1), replace(panel(2), unit="rollout")
    layout = arrange(Grid(((one, other),)), FigureSpec(sharing="all", width_mm=180))
    assert len(layout.bars) == 2


def test_short_headings_have_their_title_once() -> None:
    layout = arrange(GRIDS["12 x 13"], FigureSpec(width_mm=85))
    words = [word.text for word in layout.words]
    assert words.count("head") == 1
    assert "12" in words
    assert "mean" in words


def test_a_font_that_is_not_there_is_refused() -> None:
    with pytest.raises(VitvizError, match="No Such Font"):
        arrange(GRIDS["one"], FigureSpec(font="No Such Font"))


def test_letters_that_no_font_has_become_boxes() -> None:
    assert Face("DejaVu Sans").drawable("a\u0000\ue123 b\n c") == "a□□ b c"


@given(st.integers(0, 2000))
def test_letters_go_on_after_z(index: int) -> None:
    value = 0
    for character in letter(index):
        value = 26 * value + ord(character) - ord("a") + 1
    assert value == index + 1


def test_strips_have_full_rows_where_they_can() -> None:
    assert columns_for(12, 1.5, FigureSpec(width_mm=89)) in (3, 4)
    assert columns_for(5, 1.5, FigureSpec(columns=2)) == 2
    assert columns_for(1, 1.5, FigureSpec()) == 1
