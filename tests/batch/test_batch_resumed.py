"""A batch that was ended goes on where it was, however it was ended."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.batch.test_batch_run import (
    after,
    batch,
    elsewhere,
    files_in,
    photos,
    silent,
)
from tests.samples import save_photo
from vitviz.batch import inputs
from vitviz.batch.job import Batch
from vitviz.batch.listing import JOURNAL
from vitviz.batch.run import run
from vitviz.errors import Cancelled
from vitviz.progress import Control

__all__ = ["batch", "photos"]

REPOSITORY = Path(__file__).resolve().parents[2]


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
import itertools, os, sys
from pathlib import Path
from vitviz import writing
from vitviz.batch.job import (Batch, Outputs)
from vitviz.batch.run import run
from vitviz.session.state import Session, View

folder, out, model, how = sys.argv[1:]
whole = writing.whole
numbers = itertools.count(1)

def dying(path, content):
    number = next(numbers)  # two threads write: each has its own
    with whole(path) as part:
        if how == "half" and number == 8:
            part.write_bytes(content[: len(content) // 2])
            os._exit(9)
        part.write_bytes(content)

import vitviz.exporting.stamp
vitviz.exporting.stamp.write_whole = dying
session = Session(model=model, view=View("attention", layer=0, head=1))
outputs = Outputs(map="png", values="npz", classes=3)
job = Batch(Path(folder), Path(out), session, outputs, device="cpu", workers=2)
run(job, lambda progress: print(progress.done, flush=True))
"""


def end_in_another_process(batch: Batch, how: str) -> None:
    """Runs the batch in a process that is killed by us, or dies while it writes a file."""
    command = [sys.executable, "-c", KILLED, str(batch.source), str(batch.out),
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
    monkeypatch.setattr(inputs, "read_file", lambda *_, **__: pytest.fail("nothing is opened"))
    assert run(batch, silent).before == 6
    assert files_in(batch.out) == whole


def test_only_what_changed_is_done_again(batch: Batch) -> None:
    run(batch, silent)
    save_photo(batch.source / "b.png", 77, (30, 44))  # another photo
    touched = batch.source / "a.png"
    os.utime(touched, ns=(1, 1))  # the same one, written anew
    (batch.out / "in/a-attention.png").unlink()
    (batch.out / "in/b-attention.npz").write_bytes(b"")
    (batch.source / "in10/c.png").unlink()
    save_photo(batch.source / "in10/new.png", 5)
    assert run(batch, silent).before == 2  # a.png and in/deeper/a.png
    run(elsewhere(batch), silent)
    ours = files_in(batch.out)
    gone = {name: ours.pop(name) for name in ("in10/c-attention.png", "in10/c-attention.npz")}
    assert all(gone.values()), "results of photos that are gone stay"
    assert ours == files_in(elsewhere(batch).out)
