"""How patches are taken from a network. Known without loading torch."""

from __future__ import annotations

from typing import Literal

from vitviz.models.outline import Outline

Removal = Literal["drop", "mean", "blur", "road"]
"""drop: the tokens are gone, the others stay where they were; mean: the patches have the input's
mean colour; blur: they show a heavily blurred input; road: they are filled in from what is around
them, with a little noise, so that not even their outline tells what was there.

Sources: dropping: Jain et al., "Missingness Bias in Model Debugging", ICLR 2022, arXiv 2204.08945;
road: Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods", ICML
2022, arXiv 2202.00449.
"""

REMOVALS: tuple[Removal, ...] = ("drop", "mean", "blur", "road")


def removals(outline: Outline) -> tuple[Removal, ...]:
    """Those that a network allows, the one that changes least beside what is removed first."""
    return REMOVALS if "drop" in outline.gives else REMOVALS[1:]
