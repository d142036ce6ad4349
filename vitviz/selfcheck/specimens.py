"""Small random networks, one of each family that has a specimen, and what plain code makes of
their attention.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vitviz.imaging.geometry import Geometry
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.config import Config
from vitviz.models.families import FAMILIES
from vitviz.models.family import Family
from vitviz.models.network import Bias, Network
from vitviz.shapes import Float32, Float64
from vitviz.tracing.run import run

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace

Attentions = Float64[np.ndarray, "layers heads queries tokens"]

NOISE = 0.1
"""Standard deviation of what is added to the parameters of specimens."""


@dataclass(frozen=True, eq=False)
class Specimen:
    """A small random network, and an input for it.

    Args:
        network: In eval mode, frozen; on the device that it was used on last.
        geometry: Of the input.
        image: The input.
    """

    network: Network
    geometry: Geometry
    image: Float32[np.ndarray, "3 height width"]


def families() -> tuple[Family, ...]:
    """Those whose specimen has attention over one sequence of tokens: what a plain product of
    matrices can check.
    """
    return tuple(family for family in FAMILIES.values() if _is_plain(family))


def _is_plain(family: Family) -> bool:
    if family.specimen is None:
        return False
    config = family.specimen()
    outline = family.outline(config, _usual_input(family, config).input_size)
    return outline.gives >= {"attention", "sequence"}


def _usual_input(family: Family, config: Config) -> Preprocessing:
    return family.readers()[0].preprocessing(config)[0]


@cache
def specimen_of(name: str) -> Specimen:
    """The specimen of a family that has one, by the family's name; the same each time."""
    family = FAMILIES[name]
    assert family.specimen is not None
    config = family.specimen()
    usual = _usual_input(family, config)
    size = usual.input_size
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(5)
        network = family.build(config).eval().requires_grad_(False)
        for parameter in network.parameters():  # fresh ones look everywhere alike
            parameter.add_(NOISE * torch.randn_like(parameter))
        image = torch.randn(3, *size).numpy()
    return Specimen(network, Geometry(size, size, (0, 0), size, usual.patch), image)


@cache
def trace_of(name: str, device: str) -> Trace:
    """What the program traces of a specimen."""
    specimen = specimen_of(name)
    return run(specimen.network, specimen.image, specimen.geometry, device=device)


@cache
def dense_attention(name: str) -> Attentions:
    """The attention of a specimen the plain way: every matrix, from float64."""
    recorder, specimen = _Recorder(), specimen_of(name)
    network = specimen.network.to("cpu")
    with torch.inference_mode():
        z = network.embed(torch.tensor(specimen.image[None]))
        for step in network.steps(specimen.geometry.input_size):
            z = step(z, recorder)
    return np.stack(recorder.matrices)


@dataclass
class _Recorder:
    """Attention that keeps every matrix."""

    matrices: list[Float64[np.ndarray, "heads queries tokens"]] = field(default_factory=list)

    def __call__(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Bias | None = None,
        windows: Tensor | None = None,
    ) -> Tensor:
        assert windows is None, "one sequence of tokens has no windows"
        logits = q.double() @ k.double().mT / q.shape[-1] ** 0.5
        if bias is not None:
            logits += bias(slice(0, q.shape[2])).double()
        dense = logits.softmax(-1)
        self.matrices.append(dense[0].numpy())
        mixed: Tensor = (dense @ v.double()).float()
        return mixed
