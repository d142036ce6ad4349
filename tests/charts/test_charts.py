"""Charts of a small network: their numbers are the engine's, one photo or many, and in files."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from tests.samples import save_photo
from vitviz.charts.gathering import Gathered, gather, question
from vitviz.charts.table import CHARTS
from vitviz.engine.engine import Engine
from vitviz.errors import PhotoError, VitvizError
from vitviz.exporting.chart_files import Measured, table, write_chart
from vitviz.exporting.stamp import read
from vitviz.figures.chart import Matrix, Plot, Tiles, axis, counting, points
from vitviz.models.loading import bundled
from vitviz.progress import silent
from vitviz.session.state import PhotoRef, Session


@pytest.fixture
def session(photo: Path, checkpoint: Path, tmp_path: Path) -> Session:
    second = save_photo(tmp_path / "b.png", 2, (50, 40))
    return Session((PhotoRef(str(photo)), PhotoRef(str(second))), model=str(checkpoint))


def made(name: str, session: Session, count: int = 1, engine: Engine | None = None) -> Gathered:
    asked = question(CHARTS[name], session, session.photos[:count])
    return gather(engine or Engine(), asked, silent)


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_is_made_or_refused_in_words(name: str, session: Session) -> None:
    engine, kind = Engine(), CHARTS[name]
    outline = engine.model(session.model).card.outline
    if why := kind.misfit(outline):
        with pytest.raises(VitvizError, match=why):
            made(name, session, engine=engine)
        return
    found = made(name, session, 2, engine)
    assert found.chart.name == name
    assert found.chart.caption
    assert len(found.photos) == (2 if kind.of_photos else 1)
    heading, *rows = found.chart.numbers
    assert all(len(row) == len(heading) for row in rows)
    assert rows


@pytest.mark.parametrize("count", [1, 2])
def test_dots_are_the_means_of_series_over_photos(session: Session, count: int) -> None:
    engine = Engine()
    found = made("attention-entropy", session, count, engine)
    asked = question(CHARTS["attention-entropy"], session, session.photos[:count])
    answers = [dict(engine.answer(request).layers) for request in asked.requests]  # type: ignore[call-overload]
    plot = found.chart.form
    assert isinstance(plot, Plot)
    mean, heads = plot.lines
    expected = {layer: np.mean([of[layer] for of in answers], axis=0) for layer in answers[0]}
    for (layer, head), value, label in zip(heads.targets, heads.ys, heads.labels, strict=True):
        assert value == pytest.approx(expected[layer][head])
        assert f"layer {layer + 1}, head {head + 1}" in label
        assert ("± " in label) == (count > 1)
    assert mean.ys == pytest.approx([values.mean() for values in expected.values()])
    said = f"mean over {count} photos" if count > 1 else Path(session.photos[0].path).name
    assert said in found.chart.caption


def test_alignment_of_layers_and_of_two_models(session: Session) -> None:
    engine = Engine()
    own = made("cka", session, 2, engine).chart.form
    assert isinstance(own, Matrix)
    np.testing.assert_allclose(own.values.diagonal(), 1)
    np.testing.assert_allclose(own.values, own.values.T)
    asked = question(CHARTS["cka"], session, session.photos, other=bundled()[0].id)
    found = gather(engine, asked, silent)
    assert isinstance(found.chart.form, Matrix)
    assert found.chart.form.values.shape == (2, 12)
    assert len(found.cards) == 2
    assert "B: " in found.chart.caption


def test_photos_that_cannot_be_opened_are_left_out(session: Session, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    refs = (PhotoRef(str(broken)), *session.photos)
    told = []
    asked = question(CHARTS["token-norms"], session, refs)
    found = gather(Engine(), asked, silent, told.append)
    assert [path for path, _ in found.refused] == [str(broken)]
    assert len(found.photos) == 2
    assert len(told) == 1
    with pytest.raises(PhotoError):
        gather(Engine(), question(CHARTS["token-norms"], session, refs[:1]), silent)


def test_a_folder(session: Session, photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        save_photo(folder / f"{number}.png", number)
    asked = question(CHARTS["attention-distance"], session, session.photos, folder=str(folder))
    assert len(asked.requests) == 1
    found = gather(Engine(), asked, silent)
    assert [Path(path).parent for path, _ in found.photos] == [folder] * 3
    empty = tmp_path / "empty"
    empty.mkdir()
    asked = question(CHARTS["attention-distance"], session, session.photos, folder=str(empty))
    with pytest.raises(PhotoError, match="no photos"):
        gather(Engine(), asked, silent)


@pytest.mark.parametrize("name", ["attention-distance", "cka", "filters"])
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".csv"])
def test_files(name: str, suffix: str, session: Session, tmp_path: Path) -> None:
    found = made(name, session)
    measured = Measured(found.photos, found.cards, {}, session)
    paths = [tmp_path / f"{number}{suffix}" for number in range(2)]
    for path in paths:
        write_chart(path, found.chart, measured)
    assert paths[0].read_bytes() == paths[1].read_bytes(), "the same chart, the same bytes"
    said = read(paths[0])
    assert (said.kind, said.settings["chart"]) == ("chart", name)
    assert found.photos[0][1] in said.files.values()
    if suffix == ".csv":
        rows = list(csv.reader(io.StringIO(table(found.chart).decode())))
        assert len(rows) == len(found.chart.numbers)
        assert float(rows[1][-1]) == pytest.approx(float(found.chart.numbers[1][-1]))


def test_a_chart_is_not_written_over_its_photo_or_as_something_else(session: Session) -> None:
    found = made("filters", session)
    assert isinstance(found.chart.form, Tiles)
    measured = Measured(found.photos, found.cards, {})
    with pytest.raises(VitvizError, match="is a photo of the chart"):
        write_chart(Path(session.photos[0].path), found.chart, measured)
    with pytest.raises(VitvizError, match=r"cannot be written as \.gif"):
        write_chart(Path("chart.gif"), found.chart, measured)


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([3.0, 112.0], ("0", "50", "100", "150")),
        ([0.1, 0.57], ("0", "0.2", "0.4", "0.6")),
        ([-0.3, 0.2], ("−0.3", "−0.2", "−0.1", "0", "0.1", "0.2")),
        ([7.0], ("0", "2", "4", "6", "8")),
    ],
)
def test_axes_end_and_tick_at_round_numbers(values: list[float], labels: tuple[str, ...]) -> None:
    found = axis("", values)
    assert found.labels == labels
    assert [found.place(found.low), found.place(found.high)] == [0, 1]


def test_layers_are_counted_in_whole_numbers() -> None:
    assert counting("layer", 1, 12).labels == tuple(map(str, range(1, 13)))
    assert counting("layer", 1, 48).labels == ("1", "5", "10", "15", "20", "25", "30", "35",
                                               "40", "45")  # fmt: skip


def test_numbers_that_are_none_are_no_points(session: Session) -> None:
    form = made("token-norms", session).chart.form
    assert isinstance(form, Plot)
    assert {line for line, _ in points(form)} == {
        n for n, line in enumerate(form.lines) if line.dots
    }
