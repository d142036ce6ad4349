"""Batches of photos, cropped and varied: each a pure function of the seed and the step.

So a run that was killed resumes with exactly the batches it would have had, and nothing of it
need be saved.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from vitviz.imaging.preprocess import InputChoice, Preprocessing, fit, model_input
from vitviz.shapes import Float, UInt8
from vitviz.training.photos import TrainingPhoto
from vitviz.training.recipes import Variety

BICUBIC = Image.Resampling.BICUBIC


def generator(seed: int, step: int, use: int) -> np.random.Generator:
    """Random numbers for one use at one step, the same whenever it is asked for."""
    return np.random.default_rng([seed, step, use])


def random_crop(
    pixels: UInt8[np.ndarray, "height width 3"],
    size: tuple[int, int],
    variety: Variety,
    random: np.random.Generator,
) -> UInt8[np.ndarray, "rows cols 3"]:
    """A random part of a photo, resized and flipped every other time.

    Args:
        pixels: The photo's.
        size: Height and width of the result, in pixels.
        variety: How the part is chosen; its aspect is the size's, varied.
        random: From ``generator``.

    Source: Szegedy et al., arXiv 1409.4842, section 6 (area and aspect at random).
    """
    height, width = pixels.shape[:2]
    area = height * width * random.uniform(variety.least_area, 1)
    aspect = math.exp(random.uniform(-1, 1) * math.log(variety.most_aspect)) * size[1] / size[0]
    wide, high = min(width, math.sqrt(area * aspect)), min(height, math.sqrt(area / aspect))
    left, top = random.uniform(0, width - wide), random.uniform(0, height - high)
    box = (left, top, left + wide, top + high)
    crop = np.asarray(Image.fromarray(pixels).resize(size[::-1], BICUBIC, box=box))
    return crop[:, ::-1] if random.random() < 0.5 else crop


def random_crops(
    photos: Sequence[TrainingPhoto],
    size: tuple[int, int],
    variety: Variety,
    random: np.random.Generator,
) -> Float[Tensor, "count 3 height width"]:
    """A random crop of each photo, in 0..1.

    Args:
        photos: Any.
        size: Height and width of the crops, in pixels.
        variety: How they are varied.
        random: From ``generator``.
    """
    crops = [random_crop(photo.pixels, size, variety, random) for photo in photos]
    return unit(np.stack(crops))


def draw(
    photos: Sequence[TrainingPhoto],
    size: tuple[int, int],
    count: int,
    variety: Variety,
    random: np.random.Generator,
) -> Float[Tensor, "count 3 height width"]:
    """Photos at random, varied; those that fill the input sharply more often.

    A photo whose shorter side is half the input's is drawn half as often as one that needs no
    enlarging.

    Args:
        photos: To draw from, with repetition.
        size: Height and width of the input, in pixels.
        count: How many.
        variety: How they are varied.
        random: From ``generator``.

    Returns:
        In 0..1.
    """
    sharp = [min(photo.pixels.shape[:2]) for photo in photos]
    weights = np.minimum(sharp, min(size)).cumsum()
    whole = np.empty((count, *size, 3), np.uint8)

    def fill(room: UInt8[np.ndarray, "height width 3"]) -> None:
        drawn = int(np.searchsorted(weights, random.integers(weights[-1]), side="right"))
        room[:] = random_crop(photos[drawn].pixels, room.shape[:2], variety, random)

    rows, cols = size[0] // 2, size[1] // 2
    for image in whole:
        if random.random() < variety.mosaic:
            for half in (image[:rows], image[rows:]):
                fill(half[:, :cols])
                fill(half[:, cols:])
        else:
            fill(image)
    return unit(whole)


def unit(
    pixels: UInt8[np.ndarray, "count height width 3"],
) -> Float[Tensor, "count 3 height width"]:
    """Pixels in 0..255 as images in 0..1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


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
    varied: Tensor = ((middle + (images - middle) * contrast) * bright).clamp(0, 1)
    return varied


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


def normalised(
    images: Float[Tensor, "batch 3 height width"], preprocessing: Preprocessing
) -> Float[Tensor, "batch 3 height width"]:
    """Images in 0..1 as a model wants them: without its mean, in units of its std."""
    mean = torch.tensor(preprocessing.mean).view(3, 1, 1)
    std = torch.tensor(preprocessing.std).view(3, 1, 1)
    return (images - mean) / std


def model_inputs(
    photos: Sequence[TrainingPhoto], preprocessing: Preprocessing
) -> Float[Tensor, "batch 3 height width"]:
    """Photos as a model wants them, not varied: what it is measured on."""
    inputs = [
        model_input(
            photo.opened, fit(photo.opened.size, preprocessing, InputChoice()), preprocessing
        )
        for photo in photos
    ]
    return torch.from_numpy(np.stack(inputs))


def device_of(network: nn.Module) -> torch.device:
    """Where a network's parameters are, and so where its inputs have to be."""
    return next(network.parameters()).device
