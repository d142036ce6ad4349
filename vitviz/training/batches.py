"""Batches of photos, cropped and varied: each a pure function of the seed and the step.

So a run that was killed goes on with exactly the batches it would have had, and nothing of it
need be saved.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from vitviz.training.photos import KeptPhoto

BICUBIC = Image.Resampling.BICUBIC


@dataclass(frozen=True)
class Variety:
    """How much a photo is varied each time it is shown.

    Args:
        least_area: Of a random crop, as a part of the photo, 0..1.
        most_aspect: Of a random crop, width by height or the reverse, at least 1.
        jitter: Most relative change of brightness, contrast and saturation, 0..1.
        mixed: Part of the batches whose photos are blended or pasted into one another, 0..1.
        mosaic: Part of the photos made of four, 0..1.
    """

    least_area: float = 0.25
    most_aspect: float = 4 / 3
    jitter: float = 0.3
    mixed: float = 0.5
    mosaic: float = 0.0


def generator(seed: int, step: int, use: int) -> np.random.Generator:
    """Random numbers for one use at one step, the same whenever it is asked for."""
    return np.random.default_rng([seed, step, use])


def random_crop(
    pixels: UInt8[np.ndarray, "height width 3"],
    side: int,
    variety: Variety,
    random: np.random.Generator,
) -> UInt8[np.ndarray, "side side 3"]:
    """A random part of a photo, resized to a square and flipped every other time.

    Source: Szegedy et al., arXiv 1409.4842, section 6 (area and aspect at random).
    """
    height, width = pixels.shape[:2]
    area = height * width * random.uniform(variety.least_area, 1)
    aspect = math.exp(random.uniform(-1, 1) * math.log(variety.most_aspect))
    wide, high = min(width, math.sqrt(area * aspect)), min(height, math.sqrt(area / aspect))
    left, top = random.uniform(0, width - wide), random.uniform(0, height - high)
    box = (left, top, left + wide, top + high)
    crop = np.asarray(Image.fromarray(pixels).resize((side, side), BICUBIC, box=box))
    return crop[:, ::-1] if random.random() < 0.5 else crop


def draw(
    photos: Sequence[KeptPhoto], side: int, count: int, variety: Variety, random: np.random.Generator
) -> UInt8[np.ndarray, "count side side 3"]:
    """Photos at random, varied; those that fill the input sharply more often.

    A photo whose shorter side is half the input's is drawn half as often as one that needs no
    enlarging.

    Args:
        photos: To draw from, with repetition.
        side: Of the input, in pixels.
        count: How many.
        variety: How they are varied.
        random: From ``generator``.
    """
    weights = np.minimum([min(photo.pixels.shape[:2]) for photo in photos], side).cumsum()
    whole = np.empty((count, side, side, 3), np.uint8)

    def one(room: UInt8[np.ndarray, "height width 3"]) -> None:
        drawn = int(np.searchsorted(weights, random.integers(weights[-1]), side="right"))
        room[:] = random_crop(photos[drawn].pixels, len(room), variety, random)

    half = side // 2
    for square in whole:
        if random.random() < variety.mosaic:
            for corner in (square[:half], square[half:]):
                one(corner[:, :half])
                one(corner[:, half:])
        else:
            one(square)
    return whole


def jittered(
    images: Float[Tensor, "batch 3 height width"], amount: float, random: np.random.Generator
) -> Float[Tensor, "batch 3 height width"]:
    """Brightness, contrast and saturation of each image changed at random.

    Args:
        images: In 0..1.
        amount: Most relative change, 0..1.
        random: From ``generator``.

    Source: Krizhevsky et al. and its followers; torchvision's ``ColorJitter`` without hue.
    """
    factors = 1 + amount * random.uniform(-1, 1, (3, len(images), 1, 1, 1))
    bright, contrast, colour = torch.from_numpy(factors).to(images)
    grey = images.mean(dim=1, keepdim=True)
    images = grey + (images - grey) * colour
    middle = images.mean(dim=(1, 2, 3), keepdim=True)
    return ((middle + (images - middle) * contrast) * bright).clamp(0, 1)


@dataclass(frozen=True)
class Mix:
    """How the images of a batch were mixed: each with the one at its place in ``partner``.

    Args:
        partner: Of each image, as an index.
        own: How much of each image is still its own, 0..1.
    """

    partner: Tensor
    own: float


def mixed(
    images: Float[Tensor, "batch 3 height width"], random: np.random.Generator
) -> tuple[Float[Tensor, "batch 3 height width"], Mix]:
    """Every image blended with another, or a rectangle of another pasted into it.

    Source: mixup, Zhang et al., arXiv 1710.09412, with alpha 1; CutMix, Yun et al., arXiv
    1905.04899; one of them at random, as DeiT does.
    """
    partner = torch.from_numpy(random.permutation(len(images)))
    own = float(random.beta(1, 1))
    if random.random() < 0.5:
        return own * images + (1 - own) * images[partner], Mix(partner, own)
    height, width = images.shape[2:]
    high, wide = int(height * math.sqrt(1 - own)), int(width * math.sqrt(1 - own))
    top, left = int(random.integers(height - high + 1)), int(random.integers(width - wide + 1))
    images = images.clone()
    rows, cols = slice(top, top + high), slice(left, left + wide)
    images[:, :, rows, cols] = images[partner][:, :, rows, cols]
    return images, Mix(partner, 1 - high * wide / (height * width))
