"""A batch gives what one-by-one gives, goes on where it was ended, and survives what fails."""

from __future__ import annotations

import csv
import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.session.conftest import save_photo
from vitviz.errors import Cancelled, NotEnoughMemory, PhotoError, VitvizError
from vitviz.imaging.preprocess import InputChoice
from vitviz.session.batch import one
from vitviz.session.batch.job import Batch, BatchRefused, BatchStopped, Outputs, SettingsChanged
from vitviz.session.batch.listing import JOURNAL
from vitviz.session.batch.progress import BatchProgress
from vitviz.session.batch.run import Summary, run
from vitviz.session.engine import Engine, top_classes
from vitviz.session.export import write_map, write_values
from vitviz.session.figure import write_figure
from vitviz.session.long_work import Control
from vitviz.session.plan import plan
from vitviz.session.state import PhotoRef, Session, View
from vitviz.session.values import Wanted

REPOSITORY = Path(__file__).resolve().parents[3]

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
        session = replace(batch.session, photos=(PhotoRef(str(batch.folder / name)),))
        (request,) = plan(session, "cpu")
        cell = engine.answer(request)
        photo = engine.photos.get(request.photo, request.background)
        alone = tmp_path / "alone.png"
        write_map(alone, photo, cell, session)
        base = batch.out / f"{name.removesuffix('.png')}-attention"
        assert base.with_suffix(".png").read_bytes() == alone.read_bytes()
        write_values(tmp_path / "alone.npz", cell, session, Wanted())
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
    assert seen[0].stage == "Loading the model"
    assert [progress.done for progress in seen[1:]] == list(range(7))
    assert seen[-1].total in (None, 6)
    assert seen[-1].per_second > 0


@pytest.mark.parametrize("ended", ["cancelled", "interrupted"])
def test_resumed_equals_uninterrupted(batch: Batch, ended: str) -> None:
    run(elsewhere(batch), silent)
    control = Control()

    def interrupt() -> None:
        raise KeyboardInterrupt

    does, raised = (
        (control.cancel, Cancelled) if ended == "cancelled" else (interrupt, KeyboardInterrupt)
    )
    with pytest.raises(raised):
        run(batch, after(2, does), control)
    assert not (batch.out / "table.csv").exists()
    assert [t.name for t in threading.enumerate() if t.name.startswith("vitviz-batch_")] == []
    summary = run(batch, silent)
    assert summary.before >= 2
    assert files_in(batch.out) == files_in(elsewhere(batch).out)
    ours, whole = ((b.out / JOURNAL).read_bytes() for b in (batch, elsewhere(batch)))
    assert ours == whole


KILLED = """
import os, sys
from pathlib import Path
from vitviz import writing
from vitviz.session.batch.job import (Batch, Outputs)
from vitviz.session.batch.run import run
from vitviz.session.state import Session, View

folder, out, model, how = sys.argv[1:]
whole = writing.whole
written = [0]

def dying(path, content):
    written[0] += 1
    with whole(path) as part:
        if how == "half" and written[0] == 8:
            part.write_bytes(content[: len(content) // 2])
            os._exit(9)
        part.write_bytes(content)

import vitviz.session.embedding
vitviz.session.embedding.write_whole = dying
session = Session(model=model, view=View("attention", layer=0, head=1))
outputs = Outputs(map="png", values="npz", classes=3)
job = Batch(Path(folder), Path(out), session, outputs, device="cpu", workers=2)
run(job, lambda progress: print(progress.done, flush=True))
"""


def end_in_another_process(batch: Batch, how: str) -> None:
    """Runs the batch in a process that is killed by us, or dies while it writes a file."""
    command = [sys.executable, "-c", KILLED, str(batch.folder), str(batch.out),
               batch.session.model, how]  # fmt: skip
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if how == "killed" and int(line) == 2:
                process.kill()
                break
    assert process.returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["killed", "half"])
def test_killed_in_the_middle(batch: Batch, how: str) -> None:
    run(elsewhere(batch), silent)
    whole = files_in(elsewhere(batch).out)
    end_in_another_process(batch, how)
    left = files_in(batch.out)
    parts = [name for name in left if name.endswith(".part")]
    assert how == "killed" or parts, "it died while it wrote"
    assert "table.csv" not in left
    for name in left.keys() - parts:
        assert left[name] == whole[name], "no half file under its own name"
    summary = run(batch, silent)
    assert summary.before >= (2 if how == "killed" else 0)
    assert files_in(batch.out) == whole


def test_a_line_cut_short_is_done_again(batch: Batch) -> None:
    run(batch, silent)
    whole, journal = files_in(batch.out), batch.out / JOURNAL
    content = journal.read_bytes()
    journal.write_bytes(content[: content.rindex(b'"row"')])
    assert run(batch, silent).before == 5
    assert files_in(batch.out) == whole
    assert journal.read_bytes() == content


def test_a_second_run_does_nothing(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    run(batch, silent)
    whole = files_in(batch.out)
    monkeypatch.setattr(one, "load", lambda *_, **__: pytest.fail("nothing is opened"))
    assert run(batch, silent).before == 6
    assert files_in(batch.out) == whole


def test_only_what_changed_is_done_again(batch: Batch) -> None:
    run(batch, silent)
    save_photo(batch.folder / "b.png", 77, (30, 44))  # another photo
    touched = batch.folder / "a.png"
    os.utime(touched, ns=(1, 1))  # the same one, written anew
    (batch.out / "in/a-attention.png").unlink()
    (batch.out / "in/b-attention.npz").write_bytes(b"")
    (batch.folder / "in10/c.png").unlink()
    save_photo(batch.folder / "in10/new.png", 5)
    assert run(batch, silent).before == 2  # a.png and in/deeper/a.png
    run(elsewhere(batch), silent)
    ours = files_in(batch.out)
    gone = {name: ours.pop(name) for name in ("in10/c-attention.png", "in10/c-attention.npz")}
    assert all(gone.values()), "results of photos that are gone stay"
    assert ours == files_in(elsewhere(batch).out)


def test_what_cannot_be_opened_is_listed_and_tried_again(batch: Batch) -> None:
    good = (batch.folder / "b.png").read_bytes()
    (batch.folder / "b.png").write_bytes(good[: len(good) // 2])
    (batch.folder / "in/empty.jpg").touch()
    (batch.folder / "in/words.png").write_text("no photo", encoding="utf-8")
    large = replace(batch, max_pixels=50 * 70)
    summary = run(large, silent)
    assert (summary.done, summary.failed) == (8, 4)
    assert [photo for photo, _ in summary.failures] == [
        "b.png", "in/empty.jpg", "in/words.png", "in/deeper/a.png"
    ]  # fmt: skip
    assert errors(batch.out) == dict(summary.failures)
    assert "is empty" in errors(batch.out)["in/empty.jpg"]
    assert "above the limit" in errors(batch.out)["in/deeper/a.png"]
    assert (batch.out / "in10/c-attention.png").exists()
    assert not (batch.out / "b-attention.png").exists()
    (batch.folder / "b.png").write_bytes(good)
    again = run(batch, silent)  # now without the limit, too
    assert (again.failed, again.before) == (2, 4)
    assert set(errors(batch.out)) == {"in/empty.jpg", "in/words.png"}


def test_a_photo_that_vanishes_meanwhile(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    load = one.load

    def vanishing(path: Path, **options: object) -> object:
        if path.name == "b.png":
            path.unlink()
        return load(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(one, "load", vanishing)
    summary = run(batch, silent)
    assert (summary.done, summary.failed) == (6, 2)
    assert list(errors(batch.out)) == ["b.png", "in/b.png"]
    assert "not there any more" in errors(batch.out)["b.png"]


def test_something_unexpected_costs_one_photo(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    look = one.look

    def fails_on_some(photo: object, *rest: object) -> object:
        if photo.path.name == "a.png":  # type: ignore[attr-defined]
            raise RuntimeError("a bug")
        return look(photo, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(one, "look", fails_on_some)
    summary = run(batch, silent)
    assert [photo for photo, _ in summary.failures] == ["a.png", "in/a.png", "in/deeper/a.png"]
    assert "RuntimeError: a bug" in summary.failures[0][1]
    assert len(caplog.records) == 1


def test_what_does_not_fit_beside_others_is_done_alone(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, refused = one.look, set[str]()

    def refuses_once(photo: object, *rest: object) -> object:
        name = str(photo.path)  # type: ignore[attr-defined]
        if name not in refused:
            refused.add(name)
            raise NotEnoughMemory("Too much.", "", needed_bytes=1)
        return look(photo, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(one, "look", refuses_once)
    assert run(batch, silent).failed == 0
    assert len(refused) == 6


def full_after(files: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk takes so many files, and half of the next one."""
    write_bytes, count = Path.write_bytes, [0]

    def write(path: Path, content: bytes) -> int:
        count[0] += 1
        if count[0] > files:
            write_bytes(path, content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_bytes(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)


def test_a_full_disk_stops_it_and_it_can_be_resumed(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(elsewhere(batch), silent)
    with monkeypatch.context() as patch:
        full_after(6, patch)
        with pytest.raises(BatchStopped, match="No space left") as stopped:
            run(batch, silent)
    assert "continue" in stopped.value.hint
    assert not any(name.endswith(".part") for name in files_in(batch.out))
    run(batch, silent)
    assert files_in(batch.out) == files_in(elsewhere(batch).out)


def test_the_same_on_a_disk_that_is_really_full(batch: Batch, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no mount here")
    if done.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        full = replace(batch, out=small / "out")
        with pytest.raises(BatchStopped, match="No space left"):
            run(full, silent)
        grow = ["mount", "-o", "remount,size=1m", str(small)]
        subprocess.run(grow, capture_output=True, check=True)
        assert run(full, silent).before > 0
        run(batch, silent)
        assert files_in(full.out) == files_in(batch.out)
    finally:
        subprocess.run(["umount", str(small)], capture_output=True, check=True)


def test_a_name_that_cannot_be_written_costs_one_photo(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = batch.folder / f"{'x' * 245}.png"
    save_photo(long, 3)
    summary = run(batch, silent)
    assert [photo for photo, _ in summary.failures] == [long.name]
    assert "could not be written" in summary.failures[0][1]


def test_a_folder_that_cannot_be_written_to(batch: Batch) -> None:
    (batch.folder.parent / "file").touch()
    with pytest.raises(VitvizError, match="cannot be written to"):
        run(replace(batch, out=batch.folder.parent / "file" / "out"), silent)


def test_a_folder_that_becomes_unwritable(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    def lock() -> None:
        monkeypatch.setattr(Path, "write_bytes", refuse)

    with pytest.raises(BatchStopped, match="Permission denied"):
        run(batch, after(0, lock))
    monkeypatch.undo()
    assert run(batch, silent).failed == 0


def test_no_photos(batch: Batch, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    with pytest.raises(PhotoError, match="There are no photos"):
        run(replace(batch, folder=tmp_path / "nothing"), silent)
    with pytest.raises(PhotoError, match="cannot be read"):
        run(replace(batch, folder=tmp_path / "nowhere"), silent)
    assert not batch.out.exists()


def test_other_files_are_not_written_over(batch: Batch) -> None:
    for out in (batch.folder, batch.folder.parent):
        with pytest.raises(VitvizError, match="holds other files"):
            run(replace(batch, out=out), silent)


def test_results_inside_the_folder_are_not_photos(batch: Batch) -> None:
    inside = replace(batch, out=batch.folder / "in" / "results")
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
        lambda b: replace(b, folder=b.folder / "in"),
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
    session = replace(batch.session, photos=(PhotoRef(str(batch.folder / name)),))
    alone = tmp_path / f"alone.{suffix}"
    write_figure(alone, session, Engine(), "cpu")
    made = batch.out / f"in/b-attention-figure.{suffix}"
    assert made.read_bytes() == alone.read_bytes()


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
    control.go_on()
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

    before = torch.get_num_threads()
    run(batch, silent)
    assert torch.get_num_threads() == before
