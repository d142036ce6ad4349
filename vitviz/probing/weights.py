"""What a network has learned that can be seen without a photo: its filters, and where places lie.

Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, arXiv 2010.11929, figure 7,
left and middle: the first 28 principal components of the filters of the patch embedding, and the
cosine similarity of position embeddings.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from vitviz.models.anatomy import Filters
from vitviz.probing.principal import Sample
from vitviz.shapes import Float, Float32

COMPONENTS = 28

MOST_TILES = 400
"""Of similarities of positions: of a finer grid every second, third, ... position has one."""


class FilterComponents(NamedTuple):
    """The principal components of filters.

    Args:
        images: Each as a picture, from -1 to 1, its largest number being one of these.
        shares: The part of the filters' variance that each holds.
    """

    images: Float32[np.ndarray, "components side side 3"]
    shares: tuple[float, ...]


def filter_components(filters: Filters, count: int = COMPONENTS) -> FilterComponents:
    """The directions in which filters differ most, each as a picture.

    Args:
        filters: Of a network; their mean is no component.
        count: How many at most.
    """
    weight = filters.weight.detach().float().cpu()
    width, channels, side, _ = weight.shape
    sample = Sample()
    sample.add(weight.permute(0, 2, 3, 1).reshape(width, -1).numpy())
    found = sample.principal(min(count, width - 1, channels * side * side))
    if found is None:
        return FilterComponents(np.zeros((0, side, side, channels), np.float32), ())
    images = found.axes.reshape(-1, side, side, channels)
    largest = np.abs(images).max((1, 2, 3), keepdims=True)
    scaled = (images / np.where(largest > 0, largest, 1)).astype(np.float32)
    scaled.flags.writeable = False
    return FilterComponents(scaled, found.shares)


class PositionSimilarity(NamedTuple):
    """How alike the embedding of some positions is to that of every one.

    Args:
        values: Cosines, of each chosen position a map over the grid.
        rows: The rows of the chosen positions.
        cols: Their columns.
    """

    values: Float32[np.ndarray, "rows cols grid_rows grid_cols"]
    rows: tuple[int, ...]
    cols: tuple[int, ...]


def position_similarity(
    added: Float[Tensor, "tokens width"], prefix: int, grid: tuple[int, int]
) -> PositionSimilarity:
    """The cosines of position embeddings with each other.

    Args:
        added: To each token of the first state.
        prefix: How many tokens stand before the patches; they are left out.
        grid: Of the patches.
    """
    with torch.no_grad():
        vectors = added[prefix:].detach().float().cpu()
        vectors = vectors / vectors.norm(dim=1, keepdim=True).clamp(min=1e-12)
        step = 1
        while -(-grid[0] // step) * -(-grid[1] // step) > MOST_TILES:
            step += 1
        rows, cols = (tuple(range(0, count, step)) for count in grid)
        chosen = vectors.view(*grid, -1)[::step, ::step].flatten(0, 1)
        values: np.ndarray = (chosen @ vectors.T).view(len(rows), len(cols), *grid).numpy()
    values.flags.writeable = False
    return PositionSimilarity(values, rows, cols)
