"""The bundled convolutional network with nothing asked: terminal, figure, batch, and back again."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import vitviz
from vitviz.__main__ import main
from vitviz.exporting.reopen import reopen
from vitviz.exporting.stamp import read
from vitviz.models.loading import bundled

CNN = next(card for card in bundled() if "attention" not in card.outline.gives)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_it_comes_second_and_says_what_it_is() -> None:
    first, second = bundled()
    assert "attention" in first.outline.gives, "the Vision Transformer stays the default"
    assert second is CNN
    assert CNN.licence == "Apache-2.0"
    assert CNN.notes == ()
    assert CNN.preprocessing.mean == (127 / 255,) * 3
    assert CNN.preprocessing.std == (128 / 255,) * 3
    assert dict(CNN.measured)


def test_explain_provenance_and_reopening(
    photo: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", str(photo), "--model", CNN.id, "--out", str(out)]) == 0
    picture = out / f"{photo.stem}-grad-cam.png"
    values = np.load(out / f"{photo.stem}-grad-cam.npy")
    trace = vitviz.trace(vitviz.load_photo(photo), vitviz.load_model(CNN.id, device="cpu"))
    np.testing.assert_allclose(values, vitviz.explain(trace, "grad-cam").values, atol=1e-6)
    session = reopen(read(picture), picture).session
    assert (session.model, session.view.method) == (CNN.id, "grad-cam")
    capsys.readouterr()
    assert main(["provenance", str(picture)]) == 0
    said = capsys.readouterr().out
    assert "grad-cam" in said
    assert "head" not in said
    assert "patches" not in said.partition("  map")[2].partition("\n")[0]


def test_a_figure_and_a_batch(photo: Path, out: Path) -> None:
    figure = out / "figure.svg"
    assert main(["figure", str(photo), "--model", CNN.id, "--layers", "1,9,17",
                 "--out", str(figure)]) == 0  # fmt: skip
    assert "Grad-CAM" in figure.read_text(encoding="utf-8")
    assert main(["figure", str(photo), "--models", bundled()[0].id, CNN.id, "--methods",
                 "feature-norm", "--out", str(out / "both.svg")]) == 0  # fmt: skip
    maps = out / "maps"
    assert main(["batch", str(photo.parent), "--model", CNN.id, "--out", str(maps),
                 "--values", "npz"]) == 0  # fmt: skip
    with (maps / "table.csv").open(encoding="utf-8-sig", newline="") as table:
        rows = list(csv.DictReader(table))
    assert len(rows) == 1
    with np.load(next(maps.glob("*.npz"))) as arrays:
        assert arrays["values"].shape[-2:] == (7, 7)
        left, top, right, bottom = arrays["patch_boxes"][0, 0]
        assert (right - left, bottom - top) == pytest.approx((47.5 * 40 / 256,) * 2)


def test_a_method_that_does_not_fit_is_refused_where_it_is_asked_for(
    photo: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["explain", str(photo), "--model", CNN.id, "--method", "rollout", "--out", str(out)]
    assert main(asked) != 0
    said = capsys.readouterr().err
    assert "has no attention" in said
    assert "Grad-CAM" in said
