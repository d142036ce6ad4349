"""Numbers of each layer and head, as charts show them; in memory linear in tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vitviz.methods.base import LACKS
from vitviz.models.outline import Ability, Outline
from vitviz.progress import Progress, Stage
from vitviz.shapes import Float32

if TYPE_CHECKING:  # torch is not loaded for a list of names
    from torch import Tensor

    from vitviz.tracing.trace import Trace

ByLayer = tuple[tuple[int, Float32[np.ndarray, " heads"]], ...]
"""Of each layer that has such numbers, from 0: one for each head, one that all heads share, or one
for each of a series's names."""


@dataclass(frozen=True)
class Series:
    """A number of each layer and head.

    Args:
        name: In code: "attention-distance".
        title: For people.
        unit: What the numbers are.
        source: Who published it.
        measure: Measures a trace; its progress is told before every layer.
        needs: What a network must give for it.
        of_prefix: It is about the tokens before the patches.
        names: What its numbers are of, where they are not of heads.
    """

    name: str
    title: str
    unit: str
    source: str
    measure: Callable[[Trace, Progress], ByLayer]
    needs: frozenset[Ability] = frozenset({"attention"})
    of_prefix: bool = False
    names: Callable[[Outline], tuple[str, ...]] | None = None

    def fits(self, outline: Outline) -> bool:
        """Whether it can be measured of a network."""
        return not self.misfit(outline)

    def misfit(self, outline: Outline) -> str:
        """Why it cannot be measured of a network: "the model has no attention"; "" where it can."""
        missing = [LACKS[ability] for ability in LACKS if ability in self.needs - outline.gives]
        if self.of_prefix and not outline.prefix:
            missing.append("the model has no tokens before the patches")
        return " and ".join(missing)


def attention_distance(trace: Trace, progress: Progress) -> ByLayer:
    """How far patches look: the mean over query patches i of ``sum_j A_ij d_ij / sum_j A_ij``, j
    being the patches and d the distance of their centres in pixels of the input.
    """
    import torch

    found = []
    for layer, attention in enumerate(trace.attention):
        if attention is None:
            continue
        progress(
            Stage("method_layer", layer, trace.depth, "attention-distance"), layer / trace.depth
        )
        tokens, patch = trace.outline.tokens(layer), trace.outline.layers[layer].patch
        first = len(tokens.prefix)
        rows, cols = np.divmod(np.arange(tokens.patches), tokens.grid[1])
        centres = torch.tensor(np.column_stack([rows, cols]) * patch, dtype=torch.float32)
        centres = centres.to(trace.device)
        total = torch.zeros(attention.heads, device=trace.device)
        for piece, block in attention.row_blocks(queries=range(first, tokens.tokens)):
            here = centres[piece.start - first : piece.stop - first]
            patches = block[..., first:]
            distance = (patches * torch.cdist(here, centres)).sum(-1) / patches.sum(-1)
            total += distance.sum(-1)
        found.append((layer, _numbers(total / tokens.patches)))
    return tuple(found)


def attention_entropy(trace: Trace, progress: Progress) -> ByLayer:
    """How widely tokens look: the mean over all tokens i of ``- sum_j A_ij log2 A_ij``, in bits."""
    import torch

    found = []
    for layer, attention in enumerate(trace.attention):
        if attention is None:
            continue
        progress(
            Stage("method_layer", layer, trace.depth, "attention-entropy"), layer / trace.depth
        )
        total = torch.zeros(attention.heads, device=trace.device)
        for _, block in attention.row_blocks():
            # The smallest float in the place of 0: 0 log 0 is 0.
            logs = block.clamp(min=torch.finfo(block.dtype).tiny).log2()
            total -= (block * logs).sum((1, 2))
        found.append((layer, _numbers(total / attention.tokens)))
    return tuple(found)


def prefix_share(trace: Trace, progress: Progress) -> ByLayer:
    """How much of their attention patches give to the tokens before the patches: the mean over
    query patches i of ``sum_j A_ij``, j being those tokens.

    A head that has nothing to do looks there (a "nop"): a great share is no great interest.
    """
    import torch

    found = []
    for layer, attention in enumerate(trace.attention):
        if attention is None:
            continue
        progress(Stage("method_layer", layer, trace.depth, "prefix-share"), layer / trace.depth)
        tokens = trace.outline.tokens(layer)
        first = len(tokens.prefix)
        total = torch.zeros(attention.heads, device=trace.device)
        for _, block in attention.row_blocks(queries=range(first, tokens.tokens)):
            total += block[..., :first].sum((1, 2))
        found.append((layer, _numbers(total / tokens.patches)))
    return tuple(found)


QUANTILES = {"least": 0.0, "lower quarter": 0.25, "median": 0.5, "upper quarter": 0.75,
             "greatest": 1.0}  # fmt: skip
"""Of the norms of patches."""


def norm_names(outline: Outline) -> tuple[str, ...]:
    """What ``token_norms`` gives: quantiles over the patches, then each prefix token."""
    return (*QUANTILES, *outline.prefix)


def token_norms(trace: Trace, progress: Progress) -> ByLayer:
    """How long the states of tokens are after each layer: quantiles over the patches, and each
    token before them.
    """
    del progress  # the forward has kept them
    found, first = [], len(trace.outline.prefix)
    for layer, norms in enumerate(trace.norms):
        of_patches = np.quantile(norms[first:], list(QUANTILES.values()))
        values = np.r_[of_patches, norms[:first]].astype(np.float32)
        values.flags.writeable = False
        found.append((layer, values))
    return tuple(found)


def receptive_field(trace: Trace, progress: Progress) -> ByLayer:
    """How much of the input a patch of each layer can see at all: the side of the square outside of
    which nothing changes it, or the longer side of the input where that is less. In a network whose
    patches all look at each other that is the whole input from its first layer on.

    The bound, not the habit: what a patch depends on most is a smaller part in its middle (Luo et
    al. 2016, arXiv 1701.04128).
    """
    del progress  # it is known without the photo
    longest = float(max(trace.geometry.input_size))
    found = list[tuple[int, Float32[np.ndarray, " heads"]]]()
    for layer, outline in enumerate(trace.outline.layers):
        if outline.receptive is not None:
            side = np.array([min(outline.receptive, longest)], np.float32)
            side.flags.writeable = False
            found.append((layer, side))
    return tuple(found)


def _numbers(values: Tensor) -> Float32[np.ndarray, " heads"]:
    numbers: Float32[np.ndarray, " heads"] = values.cpu().numpy()
    numbers.flags.writeable = False
    return numbers


SERIES: dict[str, Series] = {
    series.name: series
    for series in (
        Series(
            "attention-distance",
            "Mean attention distance",
            "pixels",
            "Dosovitskiy et al. 2021, arXiv 2010.11929, figure 7 and appendix D.7",
            attention_distance,
        ),
        Series(
            "attention-entropy",
            "Attention entropy",
            "bits",
            "Clark et al. 2019, arXiv 1906.04341, section 3.3",
            attention_entropy,
        ),
        Series(
            "prefix-share",
            "Attention on prefix tokens",
            "share",
            "Darcet et al. 2024, arXiv 2309.16588",
            prefix_share,
            of_prefix=True,
        ),
        Series(
            "token-norms",
            "Token norms",
            "norm",
            "Darcet et al. 2024, arXiv 2309.16588, figure 4",
            token_norms,
            frozenset({"states"}),
            names=norm_names,
        ),
        Series(
            "receptive-field",
            "Receptive field",
            "pixels",
            "Araujo, Norris and Sim 2019, doi 10.23915/distill.00021",
            receptive_field,
            frozenset(),
        ),
    )
}
"""Every series by its name."""
