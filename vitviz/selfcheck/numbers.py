"""Numerical self-checks on this computer: ``vitviz check``.

Each check compares what the program does with a plain way to the same numbers, in float64 where
that matters. The random networks are the specimens of their families (``Family.specimen``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.bundled import resource
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.load import from_pixels, load
from vitviz.imaging.preprocess import InputChoice, Preprocessing, fit, model_input
from vitviz.imaging.samples import sample_photos
from vitviz.methods.base import Question
from vitviz.methods.rollout import ROLLOUT
from vitviz.models.loading import bundled, devices, load_model
from vitviz.progress import silent
from vitviz.selfcheck.specimens import (
    Attentions,
    dense_attention,
    families,
    specimen_of,
    trace_of,
)
from vitviz.shapes import Float64
from vitviz.tracing.run import run

if TYPE_CHECKING:
    from vitviz.maps.heat_map import Fusion

Rows = Float64[np.ndarray, "layers queries tokens"]

FUSIONS: dict[Fusion, Callable[[Attentions], Rows]] = {
    "mean": lambda attention: attention.mean(1),
    "max": lambda attention: attention.max(1),
    "min": lambda attention: attention.min(1),
}


@dataclass(frozen=True)
class Outcome:
    """What a check found.

    Args:
        name: What should hold.
        passed: Whether it does.
        detail: The error and its limit, or what went wrong.
    """

    name: str
    passed: bool
    detail: str


class Measurement(NamedTuple):
    """A difference that should be small.

    Args:
        error: The greatest one found.
        limit: The greatest one allowed.
        unit: Of both: " pixels".
    """

    error: float
    limit: float
    unit: str = ""


def outcomes() -> Iterator[Outcome]:
    """Every check, made when it is asked for; a check that breaks has failed, and others go on."""
    for name, check in _checks():
        try:
            error, limit, unit = check()
        except Exception as problem:
            words = problem.message if isinstance(problem, VitvizError) else repr(problem)
            yield Outcome(name, False, words)
        else:
            # Not a number is not small.
            yield Outcome(name, error <= limit, f"{error:.2g}{unit} (limit {limit:.2g})")


def _checks() -> Iterator[tuple[str, Callable[[], Measurement]]]:
    yield "the bundled models are what their cards say (SHA-256)", checksums
    yield "patches tile what the model sees", tiling
    yield "patches lie where preprocessing takes them from", alignment
    plain = families()
    titles = {family.name: f", {family.title}" if len(plain) > 1 else "" for family in plain}
    for family, title in titles.items():
        name = f"patch embedding = unfold and a linear layer{title}"
        yield name, partial(patch_embedding, family)
    yield "forward with attention recorded = plain forward", recording
    for device in devices():
        for family, title in titles.items():
            yield from _checks_of(family, device.name, f" on {device.name}{title}")
        if device.name != "cpu":
            yield f"logits on {device.name} = logits on cpu", partial(logits, device.name)


def _checks_of(
    family: str, device: str, where: str
) -> Iterator[tuple[str, Callable[[], Measurement]]]:
    yield f"attention from q, k = dense softmax{where}", partial(attention, family, device)
    for fusion in FUSIONS:
        for discard in (0.0, 0.6):
            name = f"rollout, {fusion}, discard {discard:g} = dense product{where}"
            yield name, partial(rollout, family, device, fusion, discard)


def checksums() -> Measurement:
    """Files that no card describes, and cards without their file."""
    weights = resource("models").glob("*.safetensors")
    digests = {hashlib.sha256(file.read_bytes()).hexdigest() for file in weights}
    cards = bundled()
    wrong = digests ^ {card.sha256 for card in cards}
    return Measurement(len(wrong) + (not cards), 0, " files")


PREPROCESSING = Preprocessing((96, 160), 16, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4), edge=176)
INPUTS: tuple[tuple[Preprocessing, InputChoice], ...] = (
    (PREPROCESSING, InputChoice()),
    (PREPROCESSING, InputChoice("whole photo")),
    (replace(PREPROCESSING, rule="squash"), InputChoice()),
    (replace(PREPROCESSING, rule="longest edge, then pad", edge=160), InputChoice()),
)
"""Every way from a photo to a model's input."""

PHOTO_SIZES = ((211, 307), (307, 211))
"""Height and width."""


def tiling() -> Measurement:
    """How far the edges of patches are from their neighbours', and from the window's."""
    errors = []
    for size in PHOTO_SIZES:
        for preprocessing, choice in INPUTS:
            geometry = fit(size, preprocessing, choice)
            rows, cols = geometry.grid
            boxes = np.array([[geometry.patch_box(r, c) for c in range(cols)] for r in range(rows)])
            left, top, right, bottom = np.moveaxis(boxes, 2, 0)
            window = geometry.window
            gaps = (
                right[:, :-1] - left[:, 1:], bottom[:-1] - top[1:], left[:, 0] - window.left,
                top[0] - window.top, right[:, -1] - window.right, bottom[-1] - window.bottom,
            )  # fmt: skip
            errors += [np.abs(gap).max() for gap in gaps]
    return Measurement(_greatest(errors), 1e-9, " pixels")


def alignment() -> Measurement:
    """How far patches are from where a photo whose colours tell the place says they are."""
    errors = []
    for height, width in PHOTO_SIZES:
        y, x = np.mgrid[:height, :width] + 0.5
        pixels = np.stack([255 * x / width, 255 * y / height, np.full(x.shape, 128)], 2)
        photo = from_pixels(np.rint(pixels).astype(np.uint8))
        for preprocessing, choice in INPUTS:
            geometry = fit((height, width), preprocessing, choice)
            image = model_input(photo, geometry, preprocessing).astype(np.float64)
            mean, std = (
                np.array(of)[:, None, None] for of in (preprocessing.mean, preprocessing.std)
            )
            places = (image * std + mean)[:2] * np.array([width, height])[:, None, None]
            errors.append(_misplaced(places, geometry))
    return Measurement(_greatest(errors), 0.5, " pixels")


def _misplaced(places: Float64[np.ndarray, "2 height width"], geometry: Geometry) -> float:
    """The greatest distance of a patch's mean place from its centre, of patches on the photo."""
    (rows, cols), side = geometry.grid, geometry.patch
    means = places.reshape(2, rows, side, cols, side).mean((2, 4))
    height, width = geometry.photo_size
    errors = []
    for row in range(rows):
        for col in range(cols):
            box = geometry.patch_box(row, col)
            if box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height:
                errors.append(np.abs(means[:, row, col] - box.centre).max())
    return _greatest(errors)


def patch_embedding(family: str) -> Measurement:
    """Convolutions against unfolded patches times their weights, in float64; and how much a patch
    changes the tokens of others, which is not at all where tokens are in the order of the patches.
    """
    specimen = specimen_of(family)
    network, image = specimen.network.to("cpu"), torch.tensor(specimen.image[None])
    (rows, cols), side = specimen.geometry.grid, specimen.geometry.patch
    errors = [_unfolding(module, side) for module in network.modules() if _cuts(module, side)]
    places = torch.eye(rows * cols).view(-1, 1, rows, cols)  # in each image another patch
    images = image + places.repeat_interleave(side, 2).repeat_interleave(side, 3)
    with torch.inference_mode():
        moved = network.as_tokens(network.embed(images)) - network.as_tokens(network.embed(image))
    change = moved[:, -rows * cols :].abs().amax(2)  # changed patch x token
    own = change.diagonal()
    errors.append(float((change - own.diag()).max()))
    # A token that its own patch does not change is an error without a size.
    return Measurement(_greatest(errors) if own.min() > 0 else float("inf"), 1e-5)


def _cuts(module: nn.Module, side: int) -> TypeGuard[nn.Conv2d]:
    square = (side, side)
    return isinstance(module, nn.Conv2d) and module.stride == module.kernel_size == square


def _unfolding(convolution: nn.Conv2d, side: int) -> float:
    """How far a convolution whose stride is its kernel is from unfolding and a linear layer."""
    shape = 1, convolution.in_channels, 3 * side, 5 * side
    image = torch.rand(shape, generator=torch.Generator().manual_seed(6))
    weight, bias = convolution.weight.double().flatten(1), convolution.bias
    patches = F.unfold(image.double(), side, stride=side).transpose(1, 2)
    expected = F.linear(patches, weight, None if bias is None else bias.double())
    with torch.inference_mode():
        return _difference(convolution(image).flatten(2).transpose(1, 2), expected)


def recording() -> Measurement:
    """Logits of the bundled model for a sample photo, both ways."""
    model = load_model(bundled()[0].id, "cpu")
    photo = load(sample_photos()[0])
    preprocessing = model.card.preprocessing
    geometry = fit(photo.size, preprocessing, InputChoice("whole photo"))
    image = model_input(photo, geometry, preprocessing)
    recorded = run(model.network, image, geometry).logits
    with torch.inference_mode():
        plain = model.network(torch.tensor(image[None]))[0]
    return Measurement(_difference(torch.tensor(recorded), plain), 1e-4)


def logits(device: str) -> Measurement:
    """Logits of the bundled model for a sample photo, here and on the CPU."""
    photo = load(sample_photos()[0])
    found = []
    for name in ("cpu", device):
        model = load_model(bundled()[0].id, name)
        preprocessing = model.card.preprocessing
        geometry = fit(photo.size, preprocessing, InputChoice())
        image = model_input(photo, geometry, preprocessing)
        found.append(torch.tensor(run(model.network, image, geometry, device=name).logits))
    return Measurement(_difference(*found), 1e-3)


def attention(family: str, device: str) -> Measurement:
    """Rows, columns and sums of rows of every layer and head."""
    dense, trace = dense_attention(family), trace_of(family, device)
    everything = range(trace.tokens)
    errors = []
    for layer in range(trace.depth):
        rows = np.stack([trace.row(layer, token) for token in everything], 1)
        columns = np.stack([trace.column(layer, token) for token in everything], 2)
        errors += [np.abs(got - dense[layer]).max() for got in (rows, columns)]
        errors.append(np.abs(rows.sum(-1) - 1).max())
    return Measurement(_greatest(errors), 1e-5)


def rollout(family: str, device: str, fusion: Fusion, discard: float) -> Measurement:
    """The row that goes down the layers against the product of whole matrices; its sum is 1."""
    trace, query = trace_of(family, device), 6
    question = Question((query,), head=fusion, params={"discard": discard})
    got = ROLLOUT.explain(trace, question, silent).values[-1, 0]
    product = np.eye(trace.tokens)
    for fused in FUSIONS[fusion](dense_attention(family)):
        flat = fused.flatten()
        flat[flat.argsort(kind="stable")[: int(discard * flat.size)]] = 0
        mixed = (flat.reshape(fused.shape) + np.eye(trace.tokens)) / 2
        product = mixed / mixed.sum(1, keepdims=True) @ product
    return Measurement(_greatest([np.abs(got - product[query]).max(), abs(got.sum() - 1)]), 3e-6)


def _greatest(errors: Iterable[float]) -> float:
    """The greatest of some numbers; not a number where one of them is none."""
    return float(np.max(list(errors)))


def _difference(got: Tensor, expected: Tensor) -> float:
    return float((got.double() - expected.double()).abs().max())
