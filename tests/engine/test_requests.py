"""The other kinds of request: states, series, and what a decoder makes of a part of the photo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.families import toy_stages
from tests.families.checkpoints import save_toy
from tests.families.toy_stages import STAGES, Stages, StagesConfig
from tests.samples import request_for
from vitviz.engine.engine import Engine
from vitviz.engine.requests import DecodeRequest, ExplainRequest, SeriesRequest, StatesRequest
from vitviz.errors import VitvizError
from vitviz.methods.series import SERIES
from vitviz.models.families import FAMILIES
from vitviz.models.outline import Outline
from vitviz.session.mask import MaskChoice
from vitviz.session.state import View


@pytest.fixture
def explain(photo: Path, checkpoint: Path) -> ExplainRequest:
    return request_for(photo, checkpoint)


def of(request: ExplainRequest) -> tuple[object, ...]:
    """What all requests have in common."""
    return request.photo, request.background, request.model, request.input


def test_states_are_those_of_the_layer(explain: ExplainRequest) -> None:
    engine = Engine()
    cell = engine.answer(replace(explain, method="feature-norm"))
    for layer in (0, 1, -1):
        found = engine.answer(StatesRequest(*of(explain), layer, "cpu"))
        assert found.layer == layer % 2
        assert found.values.shape == (18, 24)
        assert found.tokens == cell.layout
        assert found.geometry == cell.geometry
        assert not found.values.flags.writeable
        norms = np.linalg.norm(found.values, axis=1)
        np.testing.assert_allclose(cell.explanation.tokens(found.layer, "mean"), norms, rtol=1e-6)


def test_series_are_measured_by_name(explain: ExplainRequest) -> None:
    engine = Engine()
    for name, series in SERIES.items():
        found = engine.answer(SeriesRequest(*of(explain), name, "cpu"))
        assert found.unit == series.unit
        # All heads share a field; norms are five quantiles over patches, and of each prefix token.
        count = {"receptive-field": 1, "token-norms": 5 + 3}.get(name, 3)
        assert [(layer, len(values)) for layer, values in found.layers] == [(0, count), (1, count)]


def test_the_forward_is_shared_by_all_kinds(
    explain: ExplainRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitviz.tracing import run as run_module

    runs: list[int] = []
    run = run_module.run
    monkeypatch.setattr(run_module, "run", lambda *a, **k: runs.append(1) or run(*a, **k))
    engine = Engine()
    engine.answer(explain)
    engine.answer(StatesRequest(*of(explain), 0, "cpu"))
    engine.answer(SeriesRequest(*of(explain), "attention-entropy", "cpu"))
    assert runs == [1]


def test_what_is_no_request_is_a_bug(explain: ExplainRequest) -> None:
    with pytest.raises(TypeError, match="no kind of request"):
        Engine().answer("attention")  # type: ignore[call-overload]


class Decoding(Stages):
    """The toy of two stages with a decoder: what it was given, where that is hidden made grey."""

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return decoding_outline(self.config, input_size)

    def decode(self, image: Tensor, hidden: Tensor, normalised: bool | None = None) -> Tensor:
        patch = self.config.patch
        pixels = hidden.repeat_interleave(patch, 0).repeat_interleave(patch, 1)
        return torch.where(pixels, torch.zeros(()), image)


def decoding_outline(config: StagesConfig, input_size: tuple[int, int]) -> Outline:
    plain = toy_stages.outline(config, input_size)
    return replace(plain, gives=plain.gives | {"decoder"})


def build(config: StagesConfig) -> Decoding:
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return Decoding(config)


def test_a_decoder_is_given_the_patches_that_are_not_hidden(
    photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family = replace(STAGES, name="decoding", outline=decoding_outline, build=build)
    monkeypatch.setitem(FAMILIES, "decoding", family)
    path = save_toy(family, tmp_path / "decoding.safetensors")
    request = request_for(photo, path, View("feature-norm"))
    engine = Engine()
    seen = engine.answer(request).input_pixels
    for hidden in (0.0, 0.4, 1.0):
        found = engine.answer(DecodeRequest(*of(request), MaskChoice(hidden, 3), device="cpu"))
        assert found.hidden.shape == (3, 5)
        assert found.hidden.sum() == min(round(15 * hidden), 14), "at least one stays"
        assert found.explanation is None, "it cannot go on without some of its patches"
        pixels = np.kron(found.hidden, np.ones((4, 4), bool))
        expected = np.where(pixels[..., None], 128, seen)  # the mean of the preprocessing
        assert np.abs(found.pixels.astype(int) - expected).max() <= 1
    again = engine.answer(DecodeRequest(*of(request), MaskChoice(0.4, 3), device="cpu")).hidden
    other = engine.answer(DecodeRequest(*of(request), MaskChoice(0.4, 4), device="cpu")).hidden
    first = engine.answer(DecodeRequest(*of(request), MaskChoice(0.4, 3), device="cpu")).hidden
    assert np.array_equal(again, first)
    assert not np.array_equal(again, other)


def test_a_network_without_a_decoder_refuses(explain: ExplainRequest) -> None:
    with pytest.raises(VitvizError, match="Small has no decoder"):
        Engine().answer(DecodeRequest(*of(explain), device="cpu"))
