"""What fails costs its photo, or stops a batch so that it can be resumed."""

from __future__ import annotations

import errno
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.batch.test_batch_run import (
    after,
    batch,
    elsewhere,
    errors,
    files_in,
    photos,
    silent,
)
from tests.samples import save_photo
from vitviz.batch import inputs
from vitviz.batch.job import Batch, BatchStopped
from vitviz.batch.run import run
from vitviz.engine.engine import Engine
from vitviz.engine.requests import ExplainRequest
from vitviz.errors import NotEnoughMemory, VitvizError

__all__ = ["batch", "photos"]


def test_what_cannot_be_opened_is_listed_and_tried_again(batch: Batch) -> None:
    good = (batch.source / "b.png").read_bytes()
    (batch.source / "b.png").write_bytes(good[: len(good) // 2])
    (batch.source / "in/empty.jpg").touch()
    (batch.source / "in/words.png").write_text("no photo", encoding="utf-8")
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
    (batch.source / "b.png").write_bytes(good)
    again = run(batch, silent)  # now without the limit, too
    assert (again.failed, again.before) == (2, 4)
    assert set(errors(batch.out)) == {"in/empty.jpg", "in/words.png"}


def test_a_photo_that_vanishes_meanwhile(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    read = inputs.read_file

    def vanishing(path: Path, progress: Any) -> bytes:
        if path.name == "b.png":
            path.unlink()
        return read(path, progress)

    monkeypatch.setattr(inputs, "read_file", vanishing)
    summary = run(batch, silent)
    assert (summary.done, summary.failed) == (6, 2)
    assert list(errors(batch.out)) == ["b.png", "in/b.png"]
    assert "There is no file b.png" in errors(batch.out)["b.png"]


def test_something_unexpected_costs_one_photo(
    batch: Batch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    explain = Engine.explain

    def fails_on_some(engine: Engine, request: ExplainRequest, *rest: Any) -> object:
        if Path(request.photo.path).name == "a.png":
            raise RuntimeError("a bug")
        return explain(engine, request, *rest)

    monkeypatch.setattr(Engine, "explain", fails_on_some)
    summary = run(batch, silent)
    assert [photo for photo, _ in summary.failures] == ["a.png", "in/a.png", "in/deeper/a.png"]
    assert "RuntimeError: a bug" in summary.failures[0][1]
    assert len(caplog.records) == 1


def test_what_does_not_fit_beside_others_is_done_alone(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    explain, refused = Engine.explain, set[str]()

    def refuses_once(engine: Engine, request: ExplainRequest, *rest: Any) -> object:
        name = request.photo.path
        if name not in refused:
            refused.add(name)
            raise NotEnoughMemory("Too much.", "", needed_bytes=1)
        return explain(engine, request, *rest)

    monkeypatch.setattr(Engine, "explain", refuses_once)
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
    long = batch.source / f"{'x' * 245}.png"
    save_photo(long, 3)
    summary = run(batch, silent)
    assert [photo for photo, _ in summary.failures] == [long.name]
    assert "could not be written" in summary.failures[0][1]


def test_a_folder_that_cannot_be_written_to(batch: Batch) -> None:
    (batch.source.parent / "file").touch()
    with pytest.raises(VitvizError, match="cannot be written to"):
        run(replace(batch, out=batch.source.parent / "file" / "out"), silent)


def test_a_folder_that_becomes_unwritable(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, content: bytes) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    def lock() -> None:
        monkeypatch.setattr(Path, "write_bytes", refuse)

    with pytest.raises(BatchStopped, match="Permission denied"):
        run(batch, after(0, lock))
    monkeypatch.undo()
    assert run(batch, silent).failed == 0
