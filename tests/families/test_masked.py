"""A masked autoencoder goes through engine and command line: mask, reconstruction, attention."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from tests.families.masked import save_masked
from tests.samples import request_for
from vitviz.__main__ import main
from vitviz.engine.engine import Engine
from vitviz.engine.requests import DecodeRequest
from vitviz.imaging.preprocess import InputChoice
from vitviz.models.loading import load_model
from vitviz.session.mask import MaskChoice, hidden_patches, painted
from vitviz.session.state import PhotoRef, View


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return save_masked(tmp_path)


def ask(photo: Path, model: Path, **how: object) -> DecodeRequest:
    return DecodeRequest(
        PhotoRef(str(photo)), (255, 255, 255), str(model), InputChoice(), device="cpu", **how
    )


def test_it_is_a_vit_with_a_decoder(photo: Path, checkpoint: Path) -> None:
    model = load_model(checkpoint, "cpu")
    assert model.card.family == "mae"
    assert "decoder" in model.card.outline.gives
    cell = Engine().answer(request_for(photo, checkpoint, View("rollout")))
    assert cell.explanation.by_layer[1].values.sum() == pytest.approx(1, abs=1e-5)


def test_what_is_hidden_and_what_is_pasted(photo: Path, checkpoint: Path) -> None:
    engine = Engine()
    found = engine.answer(ask(photo, checkpoint, mask=MaskChoice(0.6, 3)))
    assert found.hidden.shape == (5, 7)
    assert int(found.hidden.sum()) == 35 - 14
    assert found.pixels.shape == found.input_pixels.shape == (40, 56, 3)
    hidden = found.hidden_pixels
    assert (found.masked[hidden] == 128).all()
    assert (found.masked[~hidden] == found.input_pixels[~hidden]).all()
    assert (found.pasted[hidden] == found.pixels[hidden]).all()
    assert (found.pasted[~hidden] == found.input_pixels[~hidden]).all()
    again = engine.answer(ask(photo, checkpoint, mask=MaskChoice(0.6, 3)))
    assert (again.pixels == found.pixels).all()
    other = engine.answer(ask(photo, checkpoint, mask=MaskChoice(0.6, 4)))
    assert (other.hidden != found.hidden).any()
    plain = engine.answer(ask(photo, checkpoint, mask=MaskChoice(0.6, 3), normalised=False))
    assert found.normalised
    assert not plain.normalised
    assert (plain.pixels != found.pixels).any()


def test_what_the_encoder_does_not_see_changes_nothing(tmp_path: Path, checkpoint: Path) -> None:
    """Another photo that differs in hidden patches only: the same plain prediction everywhere."""
    rng = np.random.default_rng(0)
    one = rng.integers(0, 255, (40, 56, 3), dtype=np.uint8)
    mask = MaskChoice(painted=(8, 9, 15, 16), grid=(5, 7))  # rows 2 and 3, columns 2 and 3
    two = one.copy()
    two[8:24, 8:24] = rng.integers(0, 255, (16, 16, 3))
    answers = []
    for name, pixels in (("one", one), ("two", two)):
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
        request = DecodeRequest(
            PhotoRef(str(tmp_path / f"{name}.png")), (255, 255, 255), str(checkpoint),
            InputChoice("whole photo"), mask, normalised=False, device="cpu",
        )  # fmt: skip
        answers.append(Engine().answer(request))
    assert answers[0].hidden.shape == (5, 7)
    assert (answers[0].pixels == answers[1].pixels).all()
    for layer in (0, 1):
        np.testing.assert_array_equal(*(a.explanation.by_layer[layer].values for a in answers))


def test_attention_of_the_visible_lies_where_they_are(photo: Path, checkpoint: Path) -> None:
    mask = MaskChoice(0.6, 3)
    hidden = hidden_patches(mask, (5, 7))
    row, col = np.argwhere(~hidden)[4]
    model = load_model(checkpoint, "cpu")
    engine = Engine()
    box = engine.answer(request_for(photo, checkpoint)).geometry.patch_box(int(row), int(col))
    found = engine.answer(ask(photo, checkpoint, mask=mask, query=box.centre))
    token = 1 + int(row) * 7 + int(col)
    assert found.query_tokens == (token,)
    # By hand: a Vision Transformer over the visible tokens alone.
    kept = [0, *(1 + np.flatnonzero(~hidden)).tolist()]
    preprocessing = model.card.preprocessing
    image = (found.input_pixels / 255 - np.array(preprocessing.mean)) / np.array(preprocessing.std)
    seen: list[Tensor] = []

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        seen.append((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1))
        return seen[-1] @ v

    with torch.no_grad():
        z = model.network.embed(torch.tensor(image.transpose(2, 0, 1)[None], dtype=torch.float32))
        z = z[:, kept]
        for block in model.network.blocks:
            z = block(z, attend)
    for layer, weights in enumerate(seen):
        values = found.explanation.by_layer[layer].values
        wanted = weights[0, :, kept.index(token)].numpy()
        np.testing.assert_allclose(values[:, kept], wanted, atol=5e-3)  # the input has 8 bits
        gone = np.setdiff1d(np.arange(36), kept)
        assert (values[:, gone] == 0).all()
        np.testing.assert_allclose(values.sum(1), 1, atol=1e-5)
    row, col = np.argwhere(hidden)[0]
    place = engine.answer(request_for(photo, checkpoint)).geometry.patch_box(int(row), int(col))
    of_hidden = engine.answer(ask(photo, checkpoint, mask=mask, query=place.centre))
    assert of_hidden.query_tokens == (0,)


def test_masks() -> None:
    for share, kept in ((0.75, 49), (0.9, 19), (1.0, 1), (0.0, 196)):
        assert int((~hidden_patches(MaskChoice(share), (14, 14))).sum()) == kept
    first = MaskChoice(0.5, 7)
    more = painted(first, (3, 5), frozenset({0, 1, 2}), hide=True)
    assert hidden_patches(more, (3, 5)).flat[:3].all()
    less = painted(more, (3, 5), frozenset({1}), hide=False)
    assert not hidden_patches(less, (3, 5)).flat[1]
    rest = hidden_patches(first, (3, 5)).flatten()[3:]
    assert (hidden_patches(less, (3, 5)).flatten()[3:] == rest).all()
    assert (hidden_patches(less, (4, 5)) == hidden_patches(first, (4, 5))).all()


def test_the_command_line(
    photo: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "three.png"
    common = ["reconstruct", str(photo), "--model", str(checkpoint), "--out", str(out)]
    assert main([*common, "--hidden", "0.6", "--seed", "3"]) == 0
    assert "21 of 35 patches hidden" in capsys.readouterr().out
    with Image.open(out) as image:
        three = np.asarray(image)
    assert three.shape == (40, 3 * 56 + 2 * 8, 3)
    found = Engine().answer(ask(photo, checkpoint, mask=MaskChoice(0.6, 3)))
    assert (three[:, :56] == found.masked).all()
    assert (three[:, 64:120] == found.pixels).all()
    assert (three[:, -56:] == found.pasted).all()
    assert main([*common, "--patches", "1,1 5,7", "--part", "masked"]) == 0
    with Image.open(out) as image:
        masked = np.asarray(image)
    assert (masked[:8, :8] == 128).all()
    assert (masked[-8:, -8:] == 128).all()
    assert (masked == 128).all(-1).sum() < 2 * 64 + 100
    assert main([*common, "--patches", "6,1"]) == 1
    assert "5 rows and 7 columns" in capsys.readouterr().err
    assert main([*common[:-1], str(tmp_path / "three.jpg")]) == 1
    assert main(["reconstruct", str(photo), "--model", str(checkpoint), "--out", str(photo)]) == 1
