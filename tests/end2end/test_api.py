"""``import vitviz``: a few calls, which refuse what is not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

import vitviz
from tests.models.networks import VARIANTS, random_network, square
from vitviz.errors import VitvizError


def small_photo(path: Path, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
    """A photo of random colours; size: width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture(scope="module")
def distilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with two prefix tokens, CLS and DIST, and no card."""
    config = replace(square(VARIANTS["distilled"]), width=128, heads=2)
    path = tmp_path_factory.mktemp("model") / "distilled.safetensors"
    save_file(dict(random_network(config).state_dict()), path)
    return path


def test_a_few_calls_explain_a_photo(distilled: Path, tmp_path: Path) -> None:
    photo = vitviz.load_photo(small_photo(tmp_path / "photo.png", size=(96, 48)))
    model = vitviz.load_model(distilled, device="cpu")
    trace = vitviz.trace(photo, model, whole=True)
    rows, cols = trace.geometry.grid
    assert rows < cols
    cls = vitviz.explain(trace, "rollout", discard=0.5)
    dist = vitviz.explain(trace, "rollout", query="dist", discard=0.5)
    assert cls.values.shape == (rows, cols)
    assert (cls.values != dist.values).any()
    assert [name for name, _ in cls.prefix_share] == ["cls", "dist"]
    total = cls.values.sum() + sum(share for _, share in cls.prefix_share)
    assert total == pytest.approx(1, abs=1e-5)
    assert vitviz.overlay(photo, cls, trace.geometry).shape == (48, 96, 3)


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "magic"}, {"layer": 2}, {"layer": -3}, {"head": 2}, {"query": "reg1"},
        {"query": (64, 10)}, {"direction": "to"}, {"discard": 2.0}, {"colour": 1},
        {"method": "attention", "discard": 0.5}, {"start": 2, "layer": 0},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_there_is_refused_in_python_too(
    distilled: Path, tmp_path: Path, asked: dict[str, object]
) -> None:
    photo = vitviz.load_photo(small_photo(tmp_path / "photo.png"))
    trace = vitviz.trace(photo, vitviz.load_model(distilled, device="cpu"), whole=True)
    with pytest.raises(VitvizError):
        vitviz.explain(trace, **{"method": "rollout", **asked})  # type: ignore[arg-type]


@pytest.mark.parametrize(("whole", "fineness"), [(False, 2), (True, 0), (True, 5)])
def test_a_fineness_that_means_nothing_is_refused(
    distilled: Path, tmp_path: Path, whole: bool, fineness: int
) -> None:
    photo = vitviz.load_photo(small_photo(tmp_path / "photo.png"))
    with pytest.raises(ValueError, match="fineness"):
        vitviz.trace(photo, vitviz.load_model(distilled), whole=whole, fineness=fineness)


def test_a_photo_above_the_limit_is_opened_when_it_is_allowed(tmp_path: Path) -> None:
    path = small_photo(tmp_path / "photo.png")
    with pytest.raises(VitvizError):
        vitviz.load_photo(path, max_pixels=100)
    assert vitviz.load_photo(path, max_pixels=None).size == (48, 64)


def test_the_package_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = vitviz.nonesuch


def test_a_map_for_a_class(distilled: Path, tmp_path: Path) -> None:
    photo = vitviz.load_photo(small_photo(tmp_path / "photo.png", size=(96, 48)))
    trace = vitviz.trace(photo, vitviz.load_model(distilled, device="cpu"), whole=True)
    assert trace.logits is not None
    maps = [vitviz.explain(trace, "relevance", target=i).values for i in range(7)]
    assert all((maps[0] != other).any() for other in maps[1:])
    best = int(trace.logits.argmax())
    np.testing.assert_array_equal(vitviz.explain(trace, "relevance").values, maps[best])


@pytest.mark.parametrize(
    ("method", "target"), [("relevance", 7), ("relevance", -1), ("rollout", 0)]
)
def test_a_class_that_is_not_there(
    distilled: Path, tmp_path: Path, method: str, target: int
) -> None:
    photo = vitviz.load_photo(small_photo(tmp_path / "photo.png"))
    trace = vitviz.trace(photo, vitviz.load_model(distilled, device="cpu"), whole=True)
    with pytest.raises(VitvizError, match="class"):
        vitviz.explain(trace, method, target=target)
