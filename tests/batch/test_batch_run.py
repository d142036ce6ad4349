"""A batch gives what one-by-one gives, goes on where it was ended, and survives what fails."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.samples import NOBODY, save_photo
from vitviz.batch.job import Batch, BatchRefused, Outputs, SettingsChanged
from vitviz.batch.listing import JOURNAL
from vitviz.batch.progress import BatchProgress
from vitviz.batch.run import run
from vitviz.batch.summary import Summary
from vitviz.engine.answers import top_classes
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.errors import Cancelled, PhotoError, VitvizError
from vitviz.exporting.figure_files import write_figure
from vitviz.exporting.map_files import write_map, write_values
from vitviz.exporting.values import ValuesOptions
from vitviz.imaging.preprocess import InputChoice
from vitviz.progress import Control, Stage
from vitviz.session.state import PhotoRef, Session, View

NAMES = ("a.png", "b.png", "in/a.png", "in/b.png", "in/deeper/a.png", "in10/c.png")
SIZES = ((40, 60), (64, 30), (33, 47), (20, 20), (50, 71), (48, 48))


def silent(progress: BatchProgress) -> None:
    pass


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for seed, (name, size) in enumerate(zip(NAMES, SIZES, strict=True)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_photo(folder / name, seed, size)
    return folder


@pytest.fixture
def batch(photos: Path, checkpoint: Path, tmp_path: Path) -> Batch:
    """Six photos in four folders, three of them called a."""
    session = Session(model=str(checkpoint), view=View("attention", layer=0, head=1))
    outputs = Outputs(map="png", values="npz", classes=3)
    return Batch(photos, tmp_path / "out", session, outputs, device="cpu", workers=2)


def files_in(out: Path) -> dict[str, bytes]:
    """Every file of the results but the journal, in which times of change stand."""
    paths = (path for path in out.rglob("*") if path.is_file() and path.name != JOURNAL)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def table(out: Path) -> list[dict[str, str]]:
    with (out / "table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def errors(out: Path) -> dict[str, str]:
    return {line["photo"]: line["error"] for line in table(out) if line["error"]}


def elsewhere(batch: Batch) -> Batch:
    return replace(batch, out=batch.out.with_name("whole"))


def after(count: int, does: Callable[[], None]) -> Callable[[BatchProgress], None]:
    """A report that does something once so many photos are done."""

    def report(progress: BatchProgress) -> None:
        if progress.done == count and not progress.stage:
            does()

    return report


def test_the_same_as_one_by_one(batch: Batch, tmp_path: Path) -> None:
    summary = run(batch, silent)
    assert (summary.done, summary.failed, summary.before) == (6, 0, 0)
    lines = table(batch.out)
    assert [line["photo"] for line in lines] == list(NAMES)
    engine = Engine()
    for name, line in zip(NAMES, lines, strict=True):
        session = replace(batch.session, photos=(PhotoRef(str(batch.source / name)),))
        (request,) = plan(session, "cpu")
        cell = engine.answer(request)
        photo = engine.photos.get(request.photo, request.background)
        alone = tmp_path / "alone.png"
        write_map(alone, photo, cell, session)
        base = batch.out / f"{name.removesuffix('.png')}-attention"
        assert base.with_suffix(".png").read_bytes() == alone.read_bytes()
        write_values(tmp_path / "alone.npz", cell, session, ValuesOptions())
        with np.load(base.with_suffix(".npz")) as ours, np.load(tmp_path / "alone.npz") as theirs:
            assert ours.files == theirs.files
            assert all(np.array_equal(ours[key], theirs[key]) for key in ours.files)
        assert line["sha256"] == photo.sha256
        assert (int(line["height"]), int(line["width"])) == photo.size
        for rank, (title, probability) in enumerate(top_classes(cell, 3), 1):
            assert line[f"top{rank}"] == title
            assert float(line[f"top{rank}_probability"]) == pytest.approx(probability, rel=1e-8)
        heat_map = cell.heat_map(session.view)
        assert float(line["maximum"]) == pytest.approx(float(heat_map.values.max()), rel=1e-8)
        on_prefix = sum(share for _, share in heat_map.prefix_share)
        assert float(line["prefix_share"]) == pytest.approx(on_prefix)
        assert float(line["mean"]) * heat_map.values.size + on_prefix == pytest.approx(1)


def test_however_many_work_on_it(batch: Batch) -> None:
    run(batch, silent)
    run(replace(elsewhere(batch), workers=5), silent)
    assert files_in(batch.out) == files_in(elsewhere(batch).out)


def test_progress_ends_where_it_should(batch: Batch) -> None:
    seen: list[BatchProgress] = []
    run(batch, seen.append)
    assert seen[0].stage == Stage("loading_model")
    assert [progress.done for progress in seen[1:]] == list(range(7))
    assert seen[-1].total in (None, 6)
    assert seen[-1].per_second > 0


def test_no_photos(batch: Batch, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(PhotoError, match="There are no photos"):
        run(replace(batch, source=tmp_path / "nothing"), silent)
    with pytest.raises(PhotoError, match="cannot be read"):
        run(replace(batch, source=tmp_path / "nowhere"), silent)
    assert not batch.out.exists()


def test_other_files_are_not_written_over(batch: Batch) -> None:
    for out in (batch.source, batch.source.parent):
        with pytest.raises(VitvizError, match="holds other files"):
            run(replace(batch, out=out), silent)


def test_results_inside_the_folder_are_not_photos(batch: Batch) -> None:
    inside = replace(batch, out=batch.source / "in" / "results")
    assert run(inside, silent).done == 6
    assert run(inside, silent).before == 6
    assert run(batch, silent).done == 6


def test_changed_settings_are_refused(batch: Batch) -> None:
    run(batch, silent)
    before = files_in(batch.out)
    other = replace(batch, session=replace(batch.session, view=View("rollout")))
    with pytest.raises(SettingsChanged) as refused:
        run(other, silent)
    assert "view.method was attention and is rollout" in refused.value.differences
    assert files_in(batch.out) == before
    assert run(batch, silent).before == 6
    assert run(other, silent, restart=True).before == 0
    assert (batch.out / "in/a-rollout.png").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda b: replace(b, outputs=replace(b.outputs, side=20)),
        lambda b: replace(b, outputs=replace(b.outputs, map="jpg")),
        lambda b: replace(b, session=replace(b.session, background=(0, 0, 0))),
        lambda b: replace(b, source=b.source / "in"),
    ],
)
def test_whatever_results_depend_on(batch: Batch, change: Callable[[Batch], Batch]) -> None:
    run(batch, silent)
    with pytest.raises(SettingsChanged):
        run(change(batch), silent)


def test_another_model_in_the_same_file(batch: Batch, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    from tests.models.networks import SMALL, random_network

    model = tmp_path / "model.safetensors"
    save_file(dict(random_network(SMALL).state_dict()), model)
    card = Path(batch.session.model).with_suffix(".json")
    model.with_suffix(".json").write_text(card.read_text("utf-8"), encoding="utf-8")
    job = replace(batch, session=replace(batch.session, model=str(model)))
    run(job, silent)
    weights = {name: tensor + 0.01 for name, tensor in random_network(SMALL).state_dict().items()}
    save_file(weights, model)
    with pytest.raises(SettingsChanged, match="weights was"):
        run(job, silent)


def test_what_exists_for_no_photo_is_refused_at_once(batch: Batch) -> None:
    for view in (View("attention", layer=7), View("attention", query="reg9")):
        with pytest.raises(BatchRefused, match=r"no layer 8|no token"):
            run(replace(batch, session=replace(batch.session, view=view)), silent)
    assert run(batch, silent).failed == 0, "nothing was done, so nothing has to be begun anew"


def test_a_point_that_is_not_on_every_photo(batch: Batch) -> None:
    view, choice = View("attention", query=(10.0, 45.0)), InputChoice("whole photo")
    session = replace(batch.session, view=view, input=choice)
    summary = run(replace(batch, session=session), silent)
    small = [name for name, (height, _) in zip(NAMES, SIZES, strict=True) if height <= 45]
    assert [photo for photo, _ in summary.failures] == small


def test_smaller_pictures_have_the_map_at_the_same_place(batch: Batch) -> None:
    outputs = Outputs(map="png", side=30)
    run(replace(batch, outputs=outputs), silent)
    run(elsewhere(batch), silent)
    with Image.open(batch.out / "a-attention.png") as image:
        assert image.size == (30, 20)
        small = np.asarray(image, np.float64)
    with Image.open(elsewhere(batch).out / "a-attention.png") as image:
        half = np.asarray(image.reduce(2), np.float64)
    # Random photos: a shift by one pixel changes nearly everything.
    assert np.abs(small - half).mean() < 0.5 * np.abs(np.roll(small, 1, 1) - half).mean()


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_figures_are_those_of_one_photo(batch: Batch, tmp_path: Path, suffix: str) -> None:
    outputs = Outputs(map="none", figure=suffix)  # type: ignore[arg-type]
    run(replace(batch, outputs=outputs), silent)
    name = "in/b.png"
    session = replace(batch.session, photos=(PhotoRef(str(batch.source / name)),))
    alone = tmp_path / f"alone.{suffix}"
    write_figure(alone, session, Engine(), "cpu")
    made = batch.out / f"in/b-attention-figure.{suffix}"
    assert made.read_bytes() == alone.read_bytes()


def test_letters_that_no_font_has_are_counted(batch: Batch) -> None:
    figure = replace(batch.session.figure, title=f"cat {NOBODY}")
    session = replace(batch.session, figure=figure)
    job = replace(batch, session=session, outputs=Outputs("none", figure="svg"))
    for before in (0, 6):  # those of an earlier run have their boxes, too
        summary = run(job, silent)
        assert (summary.done, summary.before) == (6, before)
        assert (summary.boxed, summary.missing) == (6, NOBODY)
        assert "6 figures with boxes for letters. No installed font has" in summary.note
    assert run(elsewhere(batch), silent).note == ""


def test_values_as_tables(batch: Batch) -> None:
    run(replace(batch, outputs=Outputs(map="none", values="csv")), silent)
    lines = (batch.out / "a-attention.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#")
    assert lines[1].startswith("row,column")
    assert len(lines) == 2 + 3 * 5


def test_a_paused_batch_waits(batch: Batch) -> None:
    control, summaries = Control(), list[Summary]()
    reached = threading.Event()

    def report(progress: BatchProgress) -> None:
        if progress.done == 1:
            control.pause()
            reached.set()

    thread = threading.Thread(target=lambda: summaries.append(run(batch, report, control)))
    thread.start()
    assert reached.wait(60)
    assert thread.is_alive()
    assert not summaries
    control.resume()
    thread.join(60)
    assert summaries[0].done == 6


def test_a_paused_batch_can_be_cancelled(batch: Batch) -> None:
    control = Control()

    def report(progress: BatchProgress) -> None:
        if progress.done == 1:
            control.pause()
            threading.Thread(target=control.cancel).start()

    with pytest.raises(Cancelled):
        run(batch, report, control)


def test_threads_of_torch_are_as_before(batch: Batch) -> None:
    import torch

    usual = torch.get_num_threads()
    torch.set_num_threads(3)  # not a worker's number
    try:
        run(batch, silent)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(usual)
