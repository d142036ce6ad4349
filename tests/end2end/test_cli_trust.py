"""``vitviz trust`` on one photo and on many."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.samples import save_photo
from vitviz.__main__ import main


def masked(folder: Path, name: str) -> Path:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:35] = 255
    Image.fromarray(mask).save(folder / name)
    return folder / name


def test_one_photo(
    photo: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "table.csv"
    assert main(["trust", str(photo), "--model", str(checkpoint), "--method", "relevance",
                 "--class", "4", "--orders", "10", "--seed", "3", "--device", "cpu",
                 "--mask", str(masked(tmp_path, "mask.png")), "--test", "photo",
                 "--csv", str(table)]) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "hurts “class 4”" in said
    assert "of 10 random orders do" in said
    for words in ("SaCo", "energy inside", "moved by a pixel", "seed 3", "patches dropped"):
        assert words in said
    (row,) = csv.DictReader(table.read_text("utf-8").splitlines())
    assert row["method"] == "relevance"
    assert 0 <= int(row["beaten"]) <= 10


def test_a_folder_ranks_methods(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, masks = tmp_path / "photos", tmp_path / "masks"
    folder.mkdir()
    masks.mkdir()
    for name, seed in (("a", 1), ("b", 2)):
        save_photo(folder / f"{name}.png", seed)
        masked(masks, f"{name}.png")
    (folder / "broken.png").write_bytes(b"no photo")
    table = tmp_path / "all.csv"
    assert main(["trust", str(folder), "--model", str(checkpoint), "--device", "cpu",
                 "--methods", "attention,relevance", "--orders", "4", "--mask",
                 str(masks), "--csv", str(table)]) == 1  # fmt: skip
    told = capsys.readouterr()
    assert "broken.png" in told.err
    assert "2 photos; mean (95 % interval)" in told.out
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert len(rows) == 2 * 6
    assert {row["method"] for row in rows} == {
        "attention", "relevance", "random", "centre", "edges", "bound"
    }  # fmt: skip
    assert all(row["pointing"] in ("0", "1") for row in rows)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--orders", "5"], "even number"),
        (["--removal", "road", "--class", "9", "--method", "relevance"], "class"),
        (["--mask", "wrong.json"], "no polygons as COCO"),
        (["--mask", "small.png"], "has 3 x 3 pixels"),
        (["--test", "class"], "asks about no class"),
        (["--layer", "9"], "layer"),
    ],
)
def test_refusals(
    photo: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], more: list[str], words: str,
) -> None:  # fmt: skip
    (tmp_path / "wrong.json").write_text(json.dumps({"annotations": []}))
    Image.new("L", (3, 3), 255).save(tmp_path / "small.png")
    monkeypatch.chdir(tmp_path)
    common = ["trust", str(photo), "--model", str(checkpoint), "--device", "cpu"]
    orders = [] if "--orders" in more else ["--orders", "2"]
    assert main([*common, *orders, *more]) == 1
    assert words in capsys.readouterr().err


def test_what_is_no_method(photo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["trust", str(photo), "--methods", "attention,magic"])
    assert "“magic” is no method" in capsys.readouterr().err
