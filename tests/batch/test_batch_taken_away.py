"""Results that are taken away in the middle: an error that says so, and a batch that goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.batch.test_batch_run import after, batch, elsewhere, files_in, photos, silent
from vitviz.__main__ import main
from vitviz.batch.job import Batch, BatchStopped
from vitviz.batch.listing import JOURNAL
from vitviz.batch.run import run

__all__ = ["batch", "photos"]


def delete(out: Path) -> None:
    gone = out.with_name("gone")
    out.rename(gone)  # at once, while others write
    shutil.rmtree(gone)


def move(out: Path) -> None:
    out.rename(out.with_name("moved"))


def empty(out: Path) -> None:
    """What is left where a disk was mounted."""
    delete(out)
    out.mkdir()


def another(out: Path) -> None:
    """A journal of somebody else's."""
    journal = (out / JOURNAL).read_bytes()
    delete(out)
    out.mkdir()
    (out / JOURNAL).write_bytes(journal.splitlines(keepends=True)[0])


@pytest.mark.parametrize("take_away", [delete, move, empty, another])
@pytest.mark.parametrize("workers", [1, 2])
def test_taken_away(batch: Batch, take_away: Callable[[Path], None], workers: int) -> None:
    batch = replace(batch, workers=workers)
    run(elsewhere(batch), silent)
    with pytest.raises(BatchStopped, match="deleted, moved or taken away"):
        run(batch, after(2, lambda: take_away(batch.out)))
    left = files_in(batch.out) if batch.out.exists() else {}
    assert "table.csv" not in left
    assert not [name for name in left if name.endswith(".part")]
    if take_away is move:
        batch.out.with_name("moved").rename(batch.out)
    summary = run(batch, silent, restart=True)
    assert summary.failed == 0
    assert files_in(batch.out) == files_in(elsewhere(batch).out)


def test_a_result_that_was_deleted_meanwhile(batch: Batch) -> None:
    run(elsewhere(batch), silent)

    def take() -> None:
        (batch.out / "a-attention.png").unlink()

    with pytest.raises(BatchStopped, match=r"1 of the results are not there.*a-attention\.png"):
        run(batch, after(2, take))
    assert run(batch, silent).before == 5
    assert files_in(batch.out) == files_in(elsewhere(batch).out)


def test_a_journal_that_names_files_elsewhere(
    batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(batch, silent)
    journal = batch.out / JOURNAL
    lines = journal.read_text(encoding="utf-8").splitlines()
    entry = json.loads(lines[1])
    entry["files"] = {"//evil.example/share/a.png": 3, "../../a.png": 3}
    journal.write_text("\n".join([lines[0], json.dumps(entry), *lines[2:], ""]), encoding="utf-8")
    from vitviz.batch import results as running

    asked: list[str] = []
    stamp = running.stamp
    monkeypatch.setattr(running, "stamp", lambda path: (asked.append(path), stamp(path))[1])
    assert run(batch, silent).before == 5
    assert not [path for path in asked if "evil" in path or ".." in path]


def test_the_terminal_says_how_to_go_on(
    batch: Batch, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitviz.cli import batch as command

    def taken_away(*_: object, **__: object) -> None:
        raise BatchStopped("The results in x were taken away.", "Continue.")

    monkeypatch.setattr(command, "run_batch", taken_away)
    assert main(["batch", str(batch.source), "--out", str(batch.out)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "taken away" in err
    assert "To continue: vitviz batch" in err
    assert "Traceback" not in err
