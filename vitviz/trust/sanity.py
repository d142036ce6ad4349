"""Sanity: a map that stays the same when what it is about changes says nothing about it.

    class      the same method for other classes
    weights    for a network whose weights are drawn anew, block by block, from the last one down or
               from the first one up: the map should change with what the network has learned
    photo      for the photo moved by a pixel and compressed anew: here it should stay

Each is a rank correlation with the map itself. Weights are drawn anew by shuffling the numbers of
each tensor: they keep their distribution, and nothing that was learned.

Sources: Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018, arXiv 1810.03292 (weights,
from the last layer down; there from the initialiser); Hedström et al., "Sanity Checks Revisited",
2024, arXiv 2401.06465 (from the first up, which leaves no learned part above); Sixt, Granz and
Landgraf, "When Explanations Lie", ICML 2020, arXiv 1912.09818 (other classes).
"""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import nn

from vitviz.imaging.preprocess import Preprocessing
from vitviz.maps.agreement import spearman
from vitviz.models.network import Network
from vitviz.shapes import Float, Float32, UInt8

OTHER_CLASSES = 5
"""The most probable ones beside the map's own."""

JPEG_QUALITY = 90


@dataclass(frozen=True)
class Check:
    """One map beside the map itself.

    Args:
        what: The name of the class; how many blocks have other weights; what was done to the photo.
        rank: Spearman's correlation of both, -1..1; None where one says the same everywhere.
    """

    what: str
    rank: float | None


def compare(
    first: Float[np.ndarray, "rows cols"], second: Float[np.ndarray, "rows cols"]
) -> float | None:
    """Spearman's correlation of two maps of one grid; None where it is not defined."""
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    return spearman(first.ravel(), second.ravel())


def copy_of(network: Network) -> Network:
    """A network of its own, for weights that are drawn anew: the loaded one is never changed."""
    return copy.deepcopy(network)


@torch.no_grad()
def shuffle(modules: Sequence[nn.Module], seed: int) -> None:
    """Draws the weights of some modules anew, in place.

    Args:
        modules: Of a copy (``copy_of``).
        seed: The numbers that follow from it are the same on every device.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in modules:
        for tensor in module.parameters():
            order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
            tensor.copy_(tensor.flatten()[order].view_as(tensor))


def moved(image: Float32[np.ndarray, "3 height width"]) -> Float32[np.ndarray, "3 height width"]:
    """The input moved right and down by a pixel, its first row and column repeated."""
    found: Float32[np.ndarray, "3 height width"] = np.pad(image, ((0, 0), (1, 0), (1, 0)), "edge")[
        :, :-1, :-1
    ]
    return np.ascontiguousarray(found)


def compressed(
    pixels: UInt8[np.ndarray, "height width 3"], preprocessing: Preprocessing
) -> Float32[np.ndarray, "3 height width"]:
    """The input as JPEG makes it, normalised again.

    Args:
        pixels: What the model was given.
        preprocessing: Its mean and std.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY)
    with Image.open(file) as image:
        again = np.asarray(image).astype(np.float32) / np.float32(255)
    mean, std = (np.array(three, np.float32) for three in (preprocessing.mean, preprocessing.std))
    return np.ascontiguousarray(((again - mean) / std).transpose(2, 0, 1))
