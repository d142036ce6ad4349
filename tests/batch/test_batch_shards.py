"""Parts on any computer, in any order, and one table of them all."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.batch.test_batch_run import after, batch, elsewhere, files_in, photos, silent
from tests.samples import save_photo
from vitviz.batch import inputs
from vitviz.batch.job import Batch, Outputs, SettingsChanged
from vitviz.batch.listing import JOURNAL, photos_below
from vitviz.batch.merge import merge, order_of
from vitviz.batch.run import run
from vitviz.batch.shards import Shard, shard_called
from vitviz.batch.table import CSV, PARQUET
from vitviz.errors import Cancelled, VitvizError
from vitviz.progress import Control

__all__ = ["batch", "photos"]


def part(batch: Batch, number: int, of: int = 3) -> Batch:
    return replace(batch, shard=Shard(number, of))


def without_journals(out: Path) -> dict[str, bytes]:
    return {name: data for name, data in files_in(out).items() if not name.endswith(".jsonl")}


@pytest.fixture
def parted(batch: Batch) -> Batch:
    """With a photo that is broken, and three parts of which none is empty."""
    (batch.source / "in/broken.png").write_bytes(b"no photo")
    for shard in (Shard(n, 3) for n in (1, 2, 3)):
        assert any(shard.has(item.key) for item in photos_below(batch.source))
    return batch


def test_parts_are_the_whole(parted: Batch) -> None:
    whole = elsewhere(parted)
    run(whole, silent)
    sizes = [run(part(parted, number), silent).done for number in (3, 1, 2)]
    assert sum(sizes) == 7
    assert not (parted.out / CSV).exists()
    summary = merge(parted.out)
    assert (summary.done, summary.failed) == (7, 1)
    assert without_journals(parted.out) == without_journals(whole.out), "to the bit"
    merge(parted.out)
    assert without_journals(parted.out) == without_journals(whole.out), "again"


def test_a_second_run_does_nothing(parted: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    (parted.source / "in/broken.png").unlink()
    for number in (1, 2, 3):
        run(part(parted, number), silent)
    before = {path.name: path.read_bytes() for path in parted.out.glob("*.jsonl")}
    monkeypatch.setattr(inputs, "read_file", lambda *_: pytest.fail("nothing is opened"))
    for number in (1, 2, 3):
        assert run(part(parted, number), silent).done >= 1
    assert {path.name: path.read_bytes() for path in parted.out.glob("*.jsonl")} == before


def test_what_is_missing_is_named(parted: Batch) -> None:
    run(part(parted, 2), silent)
    with pytest.raises(VitvizError, match="Parts 1, 3 of 3 are not there") as refused:
        merge(parted.out)
    assert "--shard 1/3" in refused.value.hint
    run(part(parted, 3), silent)
    control = Control()
    with pytest.raises(Cancelled):
        run(part(parted, 1), after(1, control.cancel), control)
    with pytest.raises(VitvizError, match="Part 1 of 3 is not done"):
        merge(parted.out)
    run(part(parted, 1), silent)
    assert merge(parted.out).done == 7


def test_a_photo_that_came_later(parted: Batch) -> None:
    for number in (1, 2, 3):
        run(part(parted, number), silent)
    save_photo(parted.source / "new.png", 9)
    (of,) = [n for n in (1, 2, 3) if Shard(n, 3).has("new.png")]
    run(part(parted, of), silent)
    assert merge(parted.out).done == 8


def test_a_result_that_was_deleted(parted: Batch) -> None:
    for number in (1, 2, 3):
        run(part(parted, number), silent)
    (parted.out / "a-attention.png").unlink()
    with pytest.raises(VitvizError, match="1 of the results are not there"):
        merge(parted.out)


def test_parts_of_other_settings(parted: Batch) -> None:
    run(part(parted, 1), silent)
    other = replace(parted, outputs=Outputs(map="png"))
    with pytest.raises(SettingsChanged, match="outputs"):
        run(part(other, 2), silent)
    with pytest.raises(SettingsChanged, match="shards was 3 and is 4"):
        run(part(parted, 2, of=4), silent)
    with pytest.raises(SettingsChanged, match="shards was 3"):
        run(parted, silent)
    run(part(other, 2), silent, restart=True)
    run(part(other, 3), silent)
    with pytest.raises(SettingsChanged, match="Part 1/3 was made otherwise"):
        merge(parted.out)
    run(part(other, 1), silent, restart=True)
    assert merge(parted.out).done == 7


def test_a_folder_that_computers_have_in_different_places(parted: Batch) -> None:
    run(part(parted, 1), silent)
    moved = parted.source.rename(parted.source.with_name("mount")) / "photos"
    moved.parent.rename(parted.source)
    parted.source.rename(parted.source.with_name("x"))
    moved.parent.mkdir()
    parted.source.with_name("x").rename(moved)
    for number in (2, 3):
        run(part(replace(parted, source=moved), number), silent)
    assert merge(parted.out).done == 7


def test_what_is_no_folder_of_parts(batch: Batch, tmp_path: Path) -> None:
    run(batch, silent)
    for out in (batch.out, tmp_path, tmp_path / "gone"):
        with pytest.raises(VitvizError, match="holds no parts"):
            merge(out)
    header = json.loads((batch.out / JOURNAL).read_text(encoding="utf-8").splitlines()[0])
    header["settings"]["shards"] = 1 << 60
    (batch.out / JOURNAL).write_text(json.dumps(header) + "\n", encoding="utf-8")
    with pytest.raises(VitvizError, match="holds no parts"):
        merge(batch.out)


def test_an_archive_is_shared_by_what_is_read_whole(parted: Batch) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow.parquet import write_table

    source = parted.source.parent / "rows.parquet"
    data = (parted.source / "a.png").read_bytes()
    write_table(pa.table({"image": [data] * 20}), source, row_group_size=2)
    outputs = Outputs(map="none", classes=2)
    job = replace(parted, source=source, outputs=outputs)
    done = [run(part(job, number), silent).done for number in (1, 2, 3)]
    assert sum(done) == 20
    assert all(count % 2 == 0 for count in done), "whole groups"
    merge(job.out)
    with (job.out / CSV).open(encoding="utf-8", newline="") as file:
        assert [line["photo"] for line in csv.DictReader(file)] == [str(n) for n in range(20)]
    assert (job.out / PARQUET).exists()


@pytest.mark.parametrize(
    "text", ["", "3", "0/3", "4/3", "1/0", "-1/3", "a/b", "1/9999999", "1/2/3"]
)
def test_what_is_no_part(text: str) -> None:
    with pytest.raises(ValueError, match="not a part"):
        shard_called(text)
    assert shard_called("3/8") == Shard(3, 8)


@given(st.text(), st.integers(1, 50))
def test_each_photo_is_of_one_part(key: str, of: int) -> None:
    assert sum(Shard(number, of).has(key) for number in range(1, of + 1)) == 1


def test_parts_are_of_a_size() -> None:
    counts = [sum(Shard(n, 8).has(f"{i:05}.jpg") for i in range(4000)) for n in range(1, 9)]
    assert max(counts) < 1.25 * min(counts)


def test_the_order_is_that_of_one_run(photos: Path) -> None:
    for name in ("in2/x10.png", "in2/x9.png", "B.png", "in/z.png"):
        (photos / name).parent.mkdir(exist_ok=True)
        save_photo(photos / name, 1)
    keys = [item.key for item in photos_below(photos)]
    assert sorted(keys, key=order_of) == keys
