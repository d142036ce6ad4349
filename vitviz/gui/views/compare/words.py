"""What the Compare view says beside its maps."""

from __future__ import annotations

from vitviz.engine.answers import Cell, top_classes
from vitviz.errors import Cancelled
from vitviz.gui.scene import PaneState
from vitviz.gui.views.compare.maps import PairOfMaps
from vitviz.maps.agreement import Agreement
from vitviz.plain_text import shown_text
from vitviz.wording.numbers import score
from vitviz.wording.stages import stage_words

EXPLANATION = (
    "rho: Spearman's rank correlation of the two maps, from −1 to 1.\n"
    "Top patches: how many of the strongest tenth both have in common (intersection over union)."
)

SCALINGS = {
    "values": "",
    "shares": "each as % of its map",
    "ranks": "by rank, since units differ",
}


def agreement_words(found: Agreement | None, name: str, *, other_photos: bool) -> str:
    """ "with a: rho 0.83, top patches 61 %".

    Args:
        found: None until there are both maps, which says nothing.
        name: Letter of the other pane; "" leaves it to somebody else to say.
        other_photos: They are on different photos, so relative places are compared.
    """
    if found is None:
        return ""
    if found.patches == 0:
        numbers = "nothing that both models saw"
    elif found.rho is None or found.top is None:
        numbers = "a map without differences has no order"
    else:
        rho = f"{found.rho:.2f}".replace("-", "−")
        numbers = f"rho {rho}, top patches {round(100 * found.top)} %"
    place = ", place by place" if other_photos else ""
    return f"with {name}{place}: {numbers}" if name else numbers


def predicted_words(cell: Cell | None) -> str:
    """ "ice bear 87.2 %": the most probable class; "" without classes."""
    if cell is None:
        return ""
    found = top_classes(cell, 1)
    return "".join(f"{shown_text(name)} {score(p, cell.outputs)}" for name, p in found)


def difference_words(found: PairOfMaps | None) -> str:
    """What else is to be said of a difference; "" where values of one photo are subtracted."""
    if found is None:
        return ""
    places = "place by place on different photos" if found.other_photos else ""
    return " · ".join(filter(None, (SCALINGS[found.difference.scaling], places)))


def message_of(state: PaneState) -> str:
    """What stands in the middle of a pane that has no photo yet."""
    if state.pane.photo is None:
        return "Drop a photo here"
    return "Opening the photo…" if state.opened is None and state.error is None else ""


def state_words(state: PaneState) -> str:
    """Why a pane has no answer to what was chosen: what failed, or what is still being done."""
    if isinstance(state.error, Cancelled):
        return "cancelled"
    if state.error is not None:
        return str(state.error)
    return work_words(state, "working")


def work_words(state: PaneState, before: str) -> str:
    """What is being done for a pane; "" while nothing is.

    Args:
        state: The pane's.
        before: What is said until its work has begun.
    """
    if not state.busy:
        return ""
    return before if state.stage is None else stage_words(state.stage)
