"""How a model comes to its answer, step by step: what is told of a photo that it has seen."""

from __future__ import annotations

import numpy as np

from vitviz.engine.answers import Lens, PatchRace
from vitviz.engine.requests import LensRequest
from vitviz.engine.seeing import Sight, require_given, shares_of
from vitviz.progress import Progress


def race(request: LensRequest, sight: Sight, progress: Progress) -> Lens:
    """What the head would answer at each depth.

    Args:
        request: What is asked.
        sight: The photo as the model saw it.
        progress: Called before every block, and before every depth.

    Raises:
        VitvizError: The head cannot read what earlier layers put out.
    """
    from vitviz.tracing import lens

    trace, card = sight.trace, sight.model.card
    outline = trace.outline
    why = "has a head that can read its last layer alone"
    require_given(lens.has_lens(outline), sight, why if outline.classes else "has no classes")
    assert trace.network is not None
    network, prefix, target = trace.network, len(outline.prefix), trace.target(request.target)
    states = lens.depth_states(network, trace.input(), progress, trace.kept)
    logits = lens.class_race(network, states)
    shares = shares_of(logits, card)
    patches = None
    if card.outputs in ("", "classes") and logits.shape[1] > 1:
        readings = lens.patch_race(network, states, prefix, target, progress)
        patches = PatchRace(*(_stacked(part) for part in zip(*readings, strict=True)))
    return Lens(
        request, target, logits, shares, lens.decided_at(logits), patches, outline.tokens(0),
        trace.geometry,
    )  # fmt: skip


def _stacked(arrays: tuple[np.ndarray, ...]) -> np.ndarray:
    stacked = np.stack(arrays)
    stacked.flags.writeable = False
    return stacked
