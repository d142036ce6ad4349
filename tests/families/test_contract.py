"""Networks that are no ViT go through engine, command line and figures by their outline alone.

The window shows them in tests/gui/test_other_families.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import vitviz
from tests.families import toy_cnn, toy_stages
from tests.families.toy_cnn import TOY_CNN
from tests.families.toy_stages import STAGES
from tests.samples import request_for
from vitviz.__main__ import main
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.engine.requests import DecodeRequest, SeriesRequest, StatesRequest
from vitviz.errors import MethodMisfit, VitvizError
from vitviz.exporting.figure_files import write_figure
from vitviz.figures.spec import FigureSpec
from vitviz.imaging.preprocess import InputChoice
from vitviz.methods import METHODS
from vitviz.models.card import from_json, to_json
from vitviz.models.family import Family
from vitviz.models.loading import load_model
from vitviz.session.state import PhotoRef, Session, View

Toy = Callable[[Family], Path]

FITTING = {
    "stages": [
        "attention",
        "value-attention",
        "grad-cam",
        "hires-cam",
        "libragrad",
        "attention-grad-cam",
        "feature-norm",
        "pca",
        "similarity",
        "outliers",
    ],
    "toy-cnn": ["feature-norm", "pca", "similarity", "outliers"],
}


@pytest.mark.parametrize("family", [STAGES, TOY_CNN], ids=lambda family: family.name)
def test_what_fits_follows_from_what_it_gives(toy: Toy, family: Family) -> None:
    model = load_model(toy(family), "cpu")
    assert model.card.family == family.name
    outline = model.card.outline
    assert [m.name for m in METHODS.values() if m.fits(outline)] == FITTING[family.name]
    for method in METHODS.values():
        assert bool(method.misfit(outline)) != method.fits(outline)
    assert model.network.outline(model.card.preprocessing.input_size) == outline


@pytest.mark.parametrize("family", [STAGES, TOY_CNN], ids=lambda family: family.name)
def test_its_card_comes_back_from_its_file(toy: Toy, family: Family) -> None:
    card = load_model(toy(family), "cpu").card
    assert from_json(to_json(card)).config == card.config


def test_attention_of_each_stage_is_on_its_own_grid(toy: Toy, photo: Path) -> None:
    path = toy(STAGES)
    cell = Engine().answer(request_for(photo, path))
    explanation = cell.explanation
    assert explanation.is_ragged
    assert [m.values.shape for m in explanation.by_layer.values()] == [(2, 15), (4, 6), (4, 6)]
    grids = [explanation.map(layer, 1).geometry.grid for layer in range(3)]
    assert grids == [(3, 5), (2, 3), (2, 3)]
    # By hand: softmax of q k^T, the mean over all patches, which are asked about without CLS.
    network = toy_stages.build(toy_stages.StagesConfig())
    z = network.embed(torch.tensor(_input(cell.input_pixels)))
    seen: list[torch.Tensor] = []

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        seen.append(weights)
        return weights @ v

    for layer, block in enumerate(network.blocks):
        z = block(z, attend)
        expected = seen[layer][0].mean(1).detach().numpy()
        np.testing.assert_allclose(explanation.by_layer[layer].values, expected, atol=2e-3)
        assert cell.patches_of_query(layer) == ()
    with pytest.raises(ValueError, match="same shape"):
        _ = explanation.values


def _input(pixels: np.ndarray) -> np.ndarray:
    """What a network was given, from what is shown of it (8 bits)."""
    return ((pixels.transpose(2, 0, 1)[None] / 255 - 0.5) / 0.25).astype(np.float32)


def test_a_map_about_a_class_against_autograd(toy: Toy, photo: Path) -> None:
    path = toy(STAGES)
    cell = Engine().answer(request_for(photo, path, View("attention-grad-cam", target=1)))
    network = toy_stages.build(toy_stages.StagesConfig())
    kept: list[torch.Tensor] = []

    def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
        weights.retain_grad()
        kept.append(weights)
        return weights @ v

    z = network.embed(torch.tensor(_input(cell.input_pixels)))
    for block in network.blocks:
        z = block(z, attend)
    network.classify(z)[0, 1].backward()
    for layer, weights in enumerate(kept):
        slopes = weights.grad[0].mean(-1, keepdim=True)
        expected = (slopes * weights[0].detach()).mean((0, 1)).clamp(min=0).numpy()
        np.testing.assert_allclose(cell.explanation.tokens(layer, "mean"), expected, atol=1e-5)


@pytest.mark.parametrize("family", [STAGES, TOY_CNN], ids=lambda family: family.name)
def test_states_and_the_norm_of_features(toy: Toy, photo: Path, family: Family) -> None:
    path, engine = toy(family), Engine()
    request = request_for(photo, path, View("feature-norm"))
    cell = engine.answer(request)
    for layer in range(3):
        states = engine.answer(
            StatesRequest(request.photo, request.background, request.model, request.input, layer,
                          "cpu")
        )  # fmt: skip
        rows, cols = cell.outline.layers[layer].grid
        assert states.values.shape == (rows * cols, cell.outline.layers[layer].width)
        norms = np.linalg.norm(states.values, axis=1).reshape(rows, cols)
        np.testing.assert_allclose(cell.heat_map(View(layer=layer)).values, norms, rtol=1e-6)
    with torch.no_grad():
        network = family.build((toy_stages.StagesConfig if family is STAGES else
                                toy_cnn.CNNConfig)())  # fmt: skip
        z = network.embed(torch.tensor(_input(cell.input_pixels)))
        for block in network.blocks:
            z = block(z)
    np.testing.assert_allclose(states.values, network.as_tokens(z)[0].numpy(), atol=2e-2)


def test_series_of_ragged_layers(toy: Toy, photo: Path) -> None:
    request = request_for(photo, toy(STAGES))
    answer = Engine().answer(
        SeriesRequest(request.photo, request.background, request.model, request.input,
                      "attention-entropy", "cpu")
    )  # fmt: skip
    assert [(layer, values.shape) for layer, values in answer.layers] == [
        (0, (2,)), (1, (4,)), (2, (4,))
    ]  # fmt: skip
    for layer, values in answer.layers:
        assert ((values > 0) & (values <= np.log2((15, 6, 6)[layer]))).all()


def test_what_a_network_does_not_give_is_refused_in_words(toy: Toy, photo: Path) -> None:
    path, engine = toy(TOY_CNN), Engine()
    with pytest.raises(MethodMisfit, match="the model has no attention") as caught:
        engine.answer(request_for(photo, path))
    assert caught.value.fitting == ("feature-norm", "pca", "similarity", "outliers")
    assert "Feature norm" in caught.value.hint
    with pytest.raises(MethodMisfit, match="no path to follow"):
        engine.answer(request_for(photo, toy(STAGES), View("rollout")))
    rest = (PhotoRef(str(photo)), (255, 255, 255), str(path), InputChoice())
    with pytest.raises(VitvizError, match="has no attention entropy"):
        engine.answer(SeriesRequest(*rest, "attention-entropy", "cpu"))
    with pytest.raises(VitvizError, match="has no decoder"):
        engine.answer(DecodeRequest(*rest, device="cpu"))


@pytest.mark.parametrize("family", [STAGES, TOY_CNN], ids=lambda family: family.name)
def test_python(toy: Toy, photo: Path, family: Family) -> None:
    opened, model = vitviz.load_photo(photo), vitviz.load_model(toy(family), device="cpu")
    trace = vitviz.trace(opened, model)
    for method in METHODS:
        if method in FITTING[family.name]:
            heat_map = vitviz.explain(trace, method, query=(30.0, 20.0))
            assert heat_map.values.shape[:2] == trace.outline.layers[-1].grid
            assert vitviz.overlay(opened, heat_map).shape == (40, 60, 3)
        else:
            with pytest.raises(MethodMisfit, match="cannot be asked of this model: the model"):
                vitviz.explain(trace, method, query=(30.0, 20.0))


@pytest.mark.parametrize("family", [STAGES, TOY_CNN], ids=lambda family: family.name)
def test_the_command_line(
    toy: Toy, photo: Path, family: Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = toy(family), tmp_path / "out"
    out.mkdir()
    for method in FITTING[family.name]:
        common = ["explain", str(photo), "--model", str(path), "--method", method,
                  "--query", "30,20"]  # fmt: skip
        assert main([*common, "--out", str(out / f"{method}.png")]) == 0
        assert main([*common, "--out", str(out / f"{method}.npz"), "--all"]) == 0
        with Image.open(out / f"{method}.png") as image:
            assert image.size == (60, 40)
        with np.load(out / f"{method}.npz") as arrays:
            assert list(arrays["layers"]) == [1, 2, 3]
            for layer, of in enumerate(load_model(path, "cpu").card.outline.layers):
                assert tuple(arrays[f"grid_{layer + 1}"]) == of.grid
                assert arrays[f"values_{layer + 1}"].shape[1:3] == of.grid
                assert arrays[f"patch_boxes_{layer + 1}"].shape == (*of.grid, 4)
    capsys.readouterr()
    common = ["explain", str(photo), "--model", str(path), "--method", "rollout"]
    assert main([*common, "--query", "30,20"]) != 0
    assert "cannot be asked of" in capsys.readouterr().err
    assert main(["batch", str(tmp_path), "--model", str(path), "--method", "feature-norm",
                 "--values", "npz", "--out", str(tmp_path / "batch")]) == 0  # fmt: skip


@pytest.mark.parametrize("family", [STAGES, TOY_CNN], ids=lambda family: family.name)
@pytest.mark.parametrize("content", ["map", "layers", "heads", "patches"])
def test_a_figure(toy: Toy, photo: Path, family: Family, content: str, tmp_path: Path) -> None:
    path = toy(family)
    view = View(FITTING[family.name][0])
    session = Session(
        (PhotoRef(str(photo)),), model=str(path), view=view, figure=FigureSpec(content)
    )
    write_figure(tmp_path / "figure.svg", session, Engine(), "cpu")
    words = (tmp_path / "figure.svg").read_text("utf-8")
    assert path.stem in words
    if content == "layers":
        cells = [Engine().answer(r) for r in plan(replace(session, tab="look"), "cpu")]
        assert len(cells[0].explanation.layers) == 3
