"""From a session to a figure: panels, headings, captions, and files whole or not at all."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.samples import names_in, save_photo
from vitviz.engine.engine import Engine
from vitviz.errors import Cancelled, VitvizError
from vitviz.exporting.figure_files import FigurePanels, compose, figure_requests, write_figure
from vitviz.exporting.provenance import session_of
from vitviz.exporting.stamp import read
from vitviz.figures.spec import FigureSpec
from vitviz.progress import Stage
from vitviz.session.state import Compare, Pane, PhotoRef, Session, View, with_panes


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def session(photo: Path, checkpoint: Path) -> Session:
    return Session((PhotoRef(str(photo)),), model=str(checkpoint), figure=FigureSpec(width_mm=60,
                   dpi=80))  # fmt: skip


def showing(session: Session, **figure: object) -> Session:
    return replace(session, figure=replace(session.figure, **figure))  # type: ignore[arg-type]


def two_panes(session: Session, tmp_path: Path) -> Session:
    other = PhotoRef(str(save_photo(tmp_path / "other.png", 7, (50, 40))))
    photos = (*session.photos, other)
    panes = (session.pane, replace(session.pane, photo=other))
    return with_panes(replace(session, photos=photos), panes, 0)


def composed(session: Session, engine: Engine) -> FigurePanels:
    return compose(session, engine, "cpu", strict=True)


def test_one_map_with_all_that_is_said_of_it(session: Session, engine: Engine) -> None:
    found = composed(session, engine)
    ((panel,),) = found.grid.panels
    (item,) = found.items
    assert panel is not None
    assert panel.values is not None
    np.testing.assert_array_equal(panel.values, item.cell.heat_map(session.view).values)
    assert panel.ends == (panel.values.min(), panel.values.max())
    words = found.grid.caption
    for part in ("Small", "3 × 5 patches", "Attention of CLS", "layer 2", "mean of 3 heads",
                 "% on CLS", "% on REG1", "not shown"):  # fmt: skip
        assert part in words
    assert words.count("% on CLS") == 1


def test_a_strip_of_layers(session: Session, engine: Engine) -> None:
    found = composed(showing(session, content="layers"), engine)
    panels = [panel for _, panel in found.grid.placed]
    assert [panel.heading for panel in panels] == ["layer 1", "layer 2"]
    only = composed(showing(session, content="layers", layers=(-1,)), engine)
    assert [item.view.layer for item in only.items] == [1]


@pytest.mark.parametrize("across", ["heads", "layers"])
def test_layers_and_heads(session: Session, engine: Engine, across: str) -> None:
    chosen = showing(session, content="heads", heads=("mean", 2), across=across)
    grid = composed(chosen, engine).grid
    assert grid.rows is not None
    assert grid.columns is not None
    layers, heads = ("layer 1", "layer 2"), ("mean", "head 3")
    down, along = (layers, heads) if across == "heads" else (heads, layers)
    assert (grid.rows.long, grid.columns.long) == (down, along)
    item = composed(chosen, engine).items[1]
    expected = (0, 2) if across == "heads" else (1, "mean")
    assert (item.view.layer, item.view.head) == expected


def test_heads_that_are_fused_first_are_computed(session: Session, engine: Engine) -> None:
    rollout = replace(session, view=View("rollout"))
    found = composed(showing(rollout, content="heads"), engine)
    assert found.grid.shape == (2, 4)
    values = [panel.values for (row, _), panel in found.grid.placed if row == 1]
    assert [item.cell.explanation.head for item in found.items[:4]] == ["mean", 0, 1, 2]
    assert len({v.tobytes() for v in values if v is not None}) == 4
    assert found.grid.rows is not None
    assert found.grid.rows.long == ("layers 1 to 1", "layers 1 to 2")


@pytest.mark.parametrize(
    ("method", "heading"), [("attention-grad-cam", "mean"), ("feature-norm", "Feature norm")]
)
def test_a_method_without_heads_has_one_column(
    session: Session, engine: Engine, method: str, heading: str
) -> None:
    showing_heads = showing(replace(session, view=View(method)), content="heads")
    found = composed(showing_heads, engine)
    assert found.grid.shape == (2, 1)
    assert found.grid.columns is not None
    assert found.grid.columns.long == (heading,)
    assert [shot.view.head for shot in found.items] == ["mean", "mean"]
    with pytest.raises(VitvizError, match="not one of each head"):
        composed(showing(showing_heads, heads=("mean", 1)), engine)


def test_a_method_that_is_not_about_heads_says_nothing_of_them(
    session: Session, engine: Engine
) -> None:
    norm, cam = (
        composed(replace(session, view=View(method)), engine).grid.caption
        for method in ("feature-norm", "attention-grad-cam")
    )
    assert "head" not in norm
    assert "mean of 3 heads" in cam


def test_panes_are_headed_by_what_differs(session: Session, engine: Engine, tmp_path: Path) -> None:
    both = showing(two_panes(session, tmp_path), content="compare")
    assert len(figure_requests(both)) == 2
    found = composed(both, engine)
    assert [panel.heading for _, panel in found.grid.placed] == ["photo.png", "other.png"]
    assert "layer 2" in found.grid.caption
    rows = composed(showing(both, content="compare layers"), engine).grid
    assert rows.rows is not None
    assert rows.columns is not None
    assert (rows.rows.long, rows.columns.long) == (
        ("photo.png", "other.png"), ("layer 1", "layer 2")
    )  # fmt: skip


def test_panes_that_differ_in_two_things_have_rows_and_columns(
    session: Session, engine: Engine, tmp_path: Path
) -> None:
    both = two_panes(session, tmp_path)
    panes = tuple(
        replace(pane, view=replace(pane.view, head=head)) for pane in both.panes for head in (0, 2)
    )
    four = showing(with_panes(both, panes, 0), content="compare")
    grid = composed(four, engine).grid
    assert grid.shape == (2, 2)
    assert grid.rows is not None
    assert grid.columns is not None
    assert (grid.rows.long, grid.columns.long) == (("photo.png", "other.png"), ("head 1", "head 3"))
    assert {panel.heading for _, panel in grid.placed} == {""}
    strip = composed(showing(four, columns=4), engine).grid
    assert strip.shape == (1, 4)
    assert strip.placed[1][1].heading == "photo.png · head 3"


def test_the_difference_of_two_panes_is_a_panel(
    session: Session, engine: Engine, checkpoint: Path
) -> None:
    panes = tuple(
        Pane(session.photo, str(checkpoint), session.input, View(layer=n)) for n in (0, 1)
    )
    both = showing(with_panes(session, panes, 0), content="compare", sharing="all")
    both = replace(both, compare=replace(both.compare, arrangement="difference"))
    placed = [panel for _, panel in composed(both, engine).grid.placed]
    one, other, minus = placed
    assert minus.heading == "b minus a"
    assert one.values is not None
    assert other.values is not None
    assert minus.values is not None
    np.testing.assert_allclose(minus.values, other.values - one.values, atol=1e-7)
    assert minus.ends[0] == -minus.ends[1]
    assert minus.style.colour_map == "coolwarm"


def test_patches_are_numbered_after_the_prefix(session: Session, engine: Engine) -> None:
    found = composed(showing(session, content="patches"), engine)
    ((panel,),) = found.grid.panels
    assert panel is not None
    assert panel.cut
    assert panel.first_token == 3
    assert "18 tokens" in found.grid.caption
    assert "0 CLS, 1 REG1, 2 REG2" in found.grid.caption


def test_what_is_not_there_is_refused(session: Session, engine: Engine) -> None:
    for figure in ({"content": "layers", "layers": (5,)}, {"content": "heads", "heads": (3,)}):
        with pytest.raises(VitvizError, match="There is no"):
            composed(showing(session, **figure), engine)
    with pytest.raises(VitvizError, match="There is no layer"):
        composed(replace(session, view=View(layer=9)), engine)
    assert compose(replace(session, view=View(layer=9)), engine, "cpu").items  # the nearest one
    with pytest.raises(VitvizError, match="nothing to make a figure of"):
        compose(Session(), engine)


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".svg", ".pdf"])
def test_a_file_says_what_made_it_and_leads_back(
    session: Session, engine: Engine, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"figure{suffix}"
    chosen = showing(session, content="layers", title="A title")
    write_figure(path, chosen, engine, "cpu")
    made = read(path)
    assert made.kind == "figure"
    assert [one.layer for one in made.maps] == [1, 2]
    assert session_of(made).figure == chosen.figure
    again = tmp_path / f"again{suffix}"
    write_figure(again, chosen, Engine(), "cpu")
    assert again.read_bytes() == path.read_bytes()


def test_what_was_there_stays_when_it_cannot_be_written(
    session: Session, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"before")
    names = names_in(tmp_path)

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(VitvizError, match="No space left"):
            write_figure(path, session, engine, "cpu")
    assert path.read_bytes() == b"before"
    assert names_in(tmp_path) == names


def test_a_cancelled_figure_leaves_nothing(
    session: Session, engine: Engine, tmp_path: Path
) -> None:
    names = names_in(tmp_path)
    stages: list[Stage] = []
    write_figure(tmp_path / "whole.png", session, engine, "cpu", lambda s, _: stages.append(s))
    (tmp_path / "whole.png").unlink()
    for count in range(len(stages)):
        left = iter(range(count))

        def stop(stage: Stage, fraction: float, left: object = left) -> None:
            if next(left, None) is None:  # type: ignore[call-overload]
                raise Cancelled

        with pytest.raises(Cancelled):
            write_figure(tmp_path / "whole.png", session, engine, "cpu", stop)
        assert names_in(tmp_path) == names


def test_a_photo_is_never_overwritten(session: Session, engine: Engine, photo: Path) -> None:
    before = photo.read_bytes()
    with pytest.raises(VitvizError):
        write_figure(photo, session, engine, "cpu")
    assert photo.read_bytes() == before


def test_a_kind_of_file_that_is_none(session: Session, engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(VitvizError, match="figures cannot be written as"):
        write_figure(tmp_path / "figure.docx", session, engine, "cpu")


def test_a_query_patch_is_framed(session: Session, engine: Engine) -> None:
    found = composed(replace(session, view=View(query=(30.0, 20.0))), engine)
    ((panel,),) = found.grid.panels
    assert panel is not None
    assert panel.marked == (found.items[0].cell.geometry.patch_box(1, 2),)


def test_pixels_are_written_at_the_resolution_asked_for(
    session: Session, engine: Engine, tmp_path: Path
) -> None:
    write_figure(tmp_path / "figure.png", showing(session, dpi=200), engine, "cpu")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width == round(60 / 25.4 * 200)


def test_panes_of_compare_are_not_in_a_figure_of_one_map(session: Session, tmp_path: Path) -> None:
    both = two_panes(session, tmp_path)
    assert both.compare != Compare()
    assert len(figure_requests(both)) == 1


def test_a_line_around_patches_is_in_the_caption_of_one_map_and_of_many(
    session: Session, engine: Engine, tmp_path: Path
) -> None:
    session = replace(session, style=replace(session.style, outlined=0.6))
    assert "patches that hold 60 % of the map" in composed(session, engine).grid.caption
    photo_alone = showing(session, draws="photo")
    assert "outlined" not in composed(photo_alone, engine).grid.caption
    both = showing(two_panes(session, tmp_path), content="compare")
    found = composed(both, engine).grid
    assert "outlined: the patches that hold 60 % of each map" in found.caption
    compare = replace(both.compare, arrangement="difference")
    panels = [one for _, one in composed(replace(both, compare=compare), engine).grid.placed]
    assert [one.style.outlined for one in panels] == [0.6, 0.6, 0.0], "a difference has no line"
