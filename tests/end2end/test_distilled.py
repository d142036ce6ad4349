"""A distilled DeiT: its second token as a query, and what each of its heads says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import vitviz
from tests.models.networks import VARIANTS, random_network
from tests.parity.sources import assert_same, from_timm, images, read
from tests.samples import CARD, request_for
from vitviz.__main__ import main
from vitviz.engine.answers import top_of_each_head
from vitviz.engine.engine import Engine
from vitviz.models.card import to_json
from vitviz.session.state import View

NAMES = tuple(f"class number {index}" for index in range(7))


@pytest.fixture
def distilled(tmp_path: Path) -> Path:
    """3 x 5 patches, CLS and dist, 2 layers, 7 classes."""
    path = tmp_path / "distilled.safetensors"
    save_file(dict(random_network(VARIANTS["distilled"]).state_dict()), path)
    card = replace(CARD, config=VARIANTS["distilled"], names=NAMES)
    path.with_suffix(".json").write_text(to_json(card), encoding="utf-8")
    return path


def test_each_head_by_itself_as_timm_has_them() -> None:
    theirs = from_timm("deit_tiny_distilled_patch16_224", img_size=96, num_classes=7, depth=2)
    ours, image = read(dict(theirs.state_dict())), images(96, 96)
    z = ours.embed(image)
    for step in ours.steps((96, 96)):
        z = step(z, torch.nn.functional.scaled_dot_product_attention)
    with torch.no_grad():
        theirs.set_distilled_training(True)
        theirs.training = True  # only then it gives both
        both = theirs.forward_head(theirs.forward_features(image))
    for own, other in zip(ours.readouts(z), both, strict=True):
        assert_same(own, other)
    torch.testing.assert_close(ours.classify(z), (both[0] + both[1]) / 2)


def test_the_terminal_says_each_head_and_takes_dist_as_a_query(
    distilled: Path, photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for query in ("cls", "dist"):
        out = str(tmp_path / f"{query}.npy")
        assert main(["explain", str(photo), "--model", str(distilled), "--method", "attention",
                     "--query", query, "--out", out]) == 0  # fmt: skip
    said = capsys.readouterr().out
    cell = Engine().answer(request_for(photo, distilled, View()))
    trace = vitviz.trace(vitviz.load_photo(photo), vitviz.load_model(distilled, device="cpu"))
    assert trace.readouts is not None
    np.testing.assert_allclose(trace.readouts.mean(axis=0), trace.logits, atol=1e-6)
    for token, name, share in top_of_each_head(cell):
        assert f"{100 * share:5.1f} %  {name} (by the head of {token} alone)" in said
    assert [token for token, _, _ in top_of_each_head(cell)] == ["cls", "dist"]
    cls, dist = (np.load(tmp_path / f"{query}.npy") for query in ("cls", "dist"))
    assert np.abs(cls - dist).max() > 1e-3


def test_a_network_with_one_head_says_nothing_of_it(checkpoint: Path, photo: Path) -> None:
    cell = Engine().answer(request_for(photo, checkpoint))
    assert cell.readouts is None
    assert top_of_each_head(cell) == []
