"""Outlier tokens: how far the norm of each patch's state is above what is usual in its layer.

    map_l[i] = (|z_l[i]| - median over patches) / MAD,   MAD = median of | |z_l[j]| - median |

z_l is the state after layer l. Patches above 6 are outliers: large ViTs without registers keep
there what is not about these patches, attention runs to them, and maps of attention show them
instead of the photo.

Source: Darcet, Oquab, Mairal and Bojanowski, "Vision Transformers Need Registers", ICLR 2024, arXiv
2309.16588, where a norm is chosen for each model.

Difference from the source: the bound, ours, goes with the layer: medians and MADs are not moved by
the outliers themselves. Where more than half of the norms are equal, MAD is 0 and there is no map
of them: all values are 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.maps.outliers import excess
from vitviz.methods.base import Method, Question
from vitviz.progress import Progress

if TYPE_CHECKING:
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:  # noqa: ARG001
    """How far every patch's norm is above the layer's median, after every layer.

    Raises:
        Cancelled: ``progress`` said so.
    """
    prefix = len(trace.outline.prefix)
    by_layer = {
        layer: trace.maps(layer, excess(np.linalg.norm(states, axis=1), prefix)[None])
        for layer, states in enumerate(trace.all_states(progress))
    }
    return Explanation(by_layer, "mean", Quantity("MADs above the median norm", "signed"))


OUTLIERS = Method(
    name="outliers",
    title="Outlier tokens",
    source="Darcet et al. 2024, arXiv 2309.16588",
    explain=explain,
    heads="none",
    needs=frozenset({"states"}),
    about_token=False,
)
