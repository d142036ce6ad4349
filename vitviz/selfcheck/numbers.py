"""Numerical self-checks on this computer, and what it is: ``vitviz check``.

Each check compares what the program does with a plain way to the same numbers, in float64 where
that matters. The random networks have a grid that is not square and two prefix tokens.
"""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import import_module, metadata
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

import vitviz
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.load import from_pixels, load
from vitviz.imaging.preprocess import InputChoice, Preprocessing, fit, model_input
from vitviz.imaging.samples import sample_photos
from vitviz.memory import available_bytes, physical_bytes
from vitviz.methods.base import Question
from vitviz.methods.rollout import ROLLOUT
from vitviz.models.loading import bundled, devices, load_model
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import silent
from vitviz.shapes import Float64
from vitviz.tracing.memory import in_words
from vitviz.tracing.run import run

if TYPE_CHECKING:
    from vitviz.methods.base import Fusion
    from vitviz.tracing.trace import Trace

Attentions = Float64[np.ndarray, "layers heads queries tokens"]
Rows = Float64[np.ndarray, "layers queries tokens"]

CONFIG = ViTConfig(
    patch=4, width=24, depth=4, heads=3, mlp_width=48, input_size=(12, 20), classes=7,
    prefix=("cls", "reg1"),
)  # fmt: skip
"""Of the random networks: 3 x 5 patches, 17 tokens."""

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
        measured: The error and its limit, or what went wrong.
    """

    name: str
    passed: bool
    measured: str


class Measured(NamedTuple):
    """A difference that should be small.

    Args:
        error: The greatest one found.
        limit: The greatest one allowed.
        unit: Of both: " pixels".
    """

    error: float
    limit: float
    unit: str = ""


def environment() -> list[tuple[str, str]]:
    """What the program runs on, for reports: names and values."""
    memory = f"{in_words(physical_bytes())}, {in_words(available_bytes())} free"
    return [
        ("vitviz", vitviz.__version__),
        ("Python", platform.python_version()),
        ("torch", torch.__version__),
        ("torchvision", _importable("torchvision")),
        ("PySide6", _installed("PySide6-Essentials", "PySide6")),
        ("Pillow", _installed("pillow")),
        ("NumPy", np.__version__),
        ("System", platform.platform()),
        ("Processor", f"{platform.machine()}, {torch.get_num_threads()} threads"),
        ("Memory", memory),
        ("Devices", ", ".join(f"{device.name} ({device.title})" for device in devices())),
    ]


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


def _checks() -> Iterator[tuple[str, Callable[[], Measured]]]:
    yield "the bundled models are what their cards say (SHA-256)", checksums
    yield "patches tile what the model sees", tiling
    yield "patches lie where preprocessing takes them from", alignment
    yield "patch embedding = unfold and a linear layer", patch_embedding
    yield "forward with attention recorded = plain forward", recording
    for device in devices():
        on = f" on {device.name}"
        yield f"attention from q, k = dense softmax{on}", partial(attention, device.name)
        for fusion in FUSIONS:
            for discard in (0.0, 0.6):
                name = f"rollout, {fusion}, discard {discard:g} = dense product{on}"
                yield name, partial(rollout, device.name, fusion, discard)
        if device.name != "cpu":
            yield f"logits{on} = logits on cpu", partial(logits, device.name)


def checksums() -> Measured:
    """Files that no card describes, and cards without their file."""
    folder = files("vitviz").joinpath("resources", "models")
    weights = [file for file in folder.iterdir() if file.name.endswith(".safetensors")]
    digests = {hashlib.sha256(file.read_bytes()).hexdigest() for file in weights}
    cards = bundled()
    wrong = digests ^ {card.sha256 for card in cards}
    return Measured(len(wrong) + (not cards), 0, " files")


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


def tiling() -> Measured:
    """How far the edges of patches are from their neighbours', and from the window's."""
    worst = 0.0
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
            worst = max(worst, *(float(np.abs(gap).max()) for gap in gaps))
    return Measured(worst, 1e-9, " pixels")


def alignment() -> Measured:
    """How far patches are from where a photo whose colours tell the place says they are."""
    worst = 0.0
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
            worst = max(worst, _misplaced(places, geometry))
    return Measured(worst, 0.5, " pixels")


def _misplaced(places: Float64[np.ndarray, "2 height width"], geometry: Geometry) -> float:
    """The greatest distance of a patch's mean place from its centre, of patches on the photo."""
    (rows, cols), side = geometry.grid, geometry.patch
    means = places.reshape(2, rows, side, cols, side).mean((2, 4))
    height, width = geometry.photo_size
    worst = 0.0
    for row in range(rows):
        for col in range(cols):
            box = geometry.patch_box(row, col)
            if box.left >= 0 and box.top >= 0 and box.right <= width and box.bottom <= height:
                worst = max(worst, float(np.abs(means[:, row, col] - box.centre).max()))
    return worst


def patch_embedding() -> Measured:
    """The convolution against unfolded patches times its weights, in float64."""
    embedding = _network().patch_embed
    image = _random_image()
    patches = F.unfold(image.double(), CONFIG.patch, stride=CONFIG.patch).transpose(1, 2)
    weight, bias = embedding.proj.weight.double().flatten(1), embedding.proj.bias
    assert bias is not None
    expected = F.linear(patches, weight, bias.double())
    return Measured(_difference(embedding(image), expected), 1e-5)


def recording() -> Measured:
    """Logits of the bundled model for a sample photo, both ways."""
    model = load_model(bundled()[0].id, "cpu")
    photo = load(sample_photos()[0])
    preprocessing = model.card.preprocessing
    geometry = fit(photo.size, preprocessing, InputChoice("whole photo"))
    image = model_input(photo, geometry, preprocessing)
    recorded = run(model.network, image, geometry).logits
    with torch.inference_mode():
        plain = model.network(torch.tensor(image[None]))[0]
    return Measured(_difference(torch.tensor(recorded), plain), 1e-4)


def logits(device: str) -> Measured:
    """Logits of the bundled model for a sample photo, here and on the CPU."""
    photo = load(sample_photos()[0])
    found = []
    for name in ("cpu", device):
        model = load_model(bundled()[0].id, name)
        preprocessing = model.card.preprocessing
        geometry = fit(photo.size, preprocessing, InputChoice())
        image = model_input(photo, geometry, preprocessing)
        found.append(torch.tensor(run(model.network, image, geometry, device=name).logits))
    return Measured(_difference(*found), 1e-3)


def attention(device: str) -> Measured:
    """Rows, columns and sums of rows of every layer and head."""
    dense, trace = _dense(), _trace(device)
    everything = range(trace.tokens)
    worst = 0.0
    for layer in range(trace.depth):
        for got in (trace.rows(layer, everything), trace.columns(layer, everything)):
            worst = max(worst, float(np.abs(got - dense[layer]).max()))
    rows = np.stack([trace.all_rows(query) for query in everything], 2)
    return Measured(max(worst, float(np.abs(rows.sum(-1) - 1).max())), 1e-5)


def rollout(device: str, fusion: Fusion, discard: float) -> Measured:
    """The row that goes down the layers against the product of whole matrices; its sum is 1."""
    trace, query = _trace(device), 6
    question = Question(query, head=fusion, params={"discard": discard})
    got = ROLLOUT.explain(trace, question, silent).values[-1, 0]
    product = np.eye(trace.tokens)
    for fused in FUSIONS[fusion](_dense()):
        flat = fused.flatten()
        flat[flat.argsort(kind="stable")[: int(discard * flat.size)]] = 0
        mixed = (flat.reshape(fused.shape) + np.eye(trace.tokens)) / 2
        product = mixed / mixed.sum(1, keepdims=True) @ product
    worst = float(np.abs(got - product[query]).max())
    return Measured(max(worst, abs(float(got.sum()) - 1)), 3e-6)


@dataclass
class _Recorder:
    """Attention the plain way, in float64, every matrix kept."""

    kept: list[Float64[np.ndarray, "heads queries tokens"]] = field(default_factory=list)

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        dense = (q.double() @ k.double().mT / q.shape[-1] ** 0.5).softmax(-1)
        self.kept.append(dense[0].numpy())
        mixed: Tensor = (dense @ v.double()).float()
        return mixed


@cache
def _network() -> VisionTransformer:
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(5)
        network = VisionTransformer(CONFIG).eval().requires_grad_(False)
        for name, parameter in network.named_parameters():
            if name.endswith("qkv.weight"):
                parameter.mul_(3)  # fresh weights look everywhere alike
    return network


def _random_image() -> Tensor:
    return torch.randn(1, 3, *CONFIG.input_size, generator=torch.Generator().manual_seed(6))


@cache
def _dense() -> Attentions:
    recorder, network = _Recorder(), _network().to("cpu")
    with torch.inference_mode():
        z = network.embed(_random_image())
        for block in network.blocks:
            z = block(z, recorder)
    return np.stack(recorder.kept)


@cache
def _trace(device: str) -> Trace:
    geometry = Geometry(CONFIG.input_size, CONFIG.input_size, (0, 0), CONFIG.input_size, 4)
    return run(_network(), _random_image()[0].numpy(), geometry, device=device)


def _difference(got: Tensor, expected: Tensor) -> float:
    return float((got.double() - expected.double()).abs().max())


def _importable(name: str) -> str:
    try:
        return str(import_module(name).__version__)
    except Exception as error:
        return f"not importable: {error}"


def _installed(*names: str) -> str:
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return "not installed"
