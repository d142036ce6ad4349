"""Leave-one-out: how far the logit falls when a part of the photo is gone.

    map[j] = y(all) - y(all but j)

y is the logit of one class (or how far it is above another's). This is what patches *cause*, asked
of the network itself; it costs a forward for each part. Parts are squares of patches; those whose
loss moves the logit most are asked again patch by patch. A square's fall is shared out among its
patches.

A Vision Transformer drops the tokens: the others stay where they are, and the sequence is shorter.
Networks that cannot are shown the photo with the part filled in (occlusion).

Sources: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv
1311.2901, section 4.2; dropping tokens: Jain et al., "Missingness Bias in Model Debugging", ICLR
2022, arXiv 2204.08945.

Difference from the sources: the logit, not the probability, whose changes vanish where the network
is sure; squares that are refined where it matters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from vitviz.errors import VitvizError
from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Parameter, Question
from vitviz.methods.parts.flow import share
from vitviz.methods.parts.whole import layer_of_patches
from vitviz.progress import Progress, part
from vitviz.shapes import Bool, Float64

if TYPE_CHECKING:
    from vitviz.probing.removal import Removal
    from vitviz.tracing.trace import Trace

REMOVAL = Parameter(
    "removal", "Removed by", "auto",
    "Dropping the tokens; the photo's mean colour; a blur; filling in from around (road). Auto "
    "drops where the model can, and takes the mean colour else.",
    choices=("auto", "drop", "mean", "blur", "road"),
)  # fmt: skip

SIDE = Parameter(
    "side", "Side of a part", 2, "Patches along each side of the squares that are removed.",
    bounds=(1, 64),
)  # fmt: skip

REFINED = Parameter(
    "refined", "Refined", 0.25,
    "Which part of the squares, those that matter most, is asked again patch by patch.",
    bounds=(0.0, 1.0),
)  # fmt: skip

REMOVED: dict[Removal, str] = {
    "drop": "tokens dropped", "mean": "mean colour", "blur": "blurred", "road": "filled in",
}  # fmt: skip
"""What is said beside the unit."""


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """How far the logit of one class falls without each part of the photo.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes or does not allow this removal, or one square holds
            the whole photo.
        NotEnoughMemory: It would not fit.
    """
    from vitviz.probing.leave_out import blocks, drops
    from vitviz.probing.probe import Probe

    settings = LEAVE_ONE_OUT.settings(question.params)
    aim, layer = trace.aim(question.target, question.contrast), layer_of_patches(trace.outline)
    chosen = str(settings["removal"])
    removal = None if chosen == "auto" else cast("Removal", chosen)
    probe = Probe.of(trace, trace.geometry_of(layer), removal)

    def ask(
        removed: Bool[np.ndarray, "sets patches"], tell: Progress
    ) -> Float64[np.ndarray, " sets"]:
        logits = probe.logits(removed, tell).astype(np.float64)
        against = 0.0 if aim.contrast is None else logits[:, aim.contrast]
        found: Float64[np.ndarray, " sets"] = logits[:, aim.target] - against
        return found

    groups = blocks(probe.grid, int(settings["side"]))
    count = int(groups.max()) + 1
    if count == 1:
        rows, cols = probe.grid
        raise VitvizError(
            f"One square holds all of the {rows} × {cols} patches.", "Choose a smaller side."
        )
    refined = share("refined", settings) if int(settings["side"]) > 1 else 0.0
    first = 1.0 / (1 + refined * int(settings["side"]) ** 2)
    fallen = drops(ask, groups, part(progress, 0, first))
    values = fallen[groups] / np.bincount(groups)[groups]
    again = np.argsort(-np.abs(fallen), kind="stable")[: round(refined * count)]
    patches = np.flatnonzero(np.isin(groups, again))
    if len(patches):
        singles = np.eye(len(groups), dtype=bool)[patches]
        whole = ask(np.zeros((1, len(groups)), bool), part(progress, first, first))
        values[patches] = whole - ask(singles, part(progress, first, 1))
    prefix = np.zeros(len(trace.outline.prefix))
    maps = trace.maps(layer, np.concatenate([prefix, values])[None].astype(np.float32))
    quantity = Quantity(f"fall of the logit, {REMOVED[probe.removal]}", "signed")
    return Explanation({layer: maps}, "mean", quantity, "network", aim.target, aim.contrast)


LEAVE_ONE_OUT = Method(
    name="leave-one-out",
    title="Leave-one-out",
    source="Zeiler and Fergus 2014, arXiv 1311.2901",
    explain=explain,
    parameters=(REMOVAL, SIDE, REFINED),
    heads="none",
    needs=frozenset({"rerun", "classes"}),
    about_token=False,
)
