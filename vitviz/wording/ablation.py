"""What is taken from a network, and what that does, in words."""

from __future__ import annotations

from vitviz.engine.answers import Cell
from vitviz.plain_text import MOST_OF_NAME, shown_text
from vitviz.probing.ablation import Ablation
from vitviz.wording.caption import ablation_words
from vitviz.wording.names import capitalised

SEPARATOR = " · "


def ablation_line(ablation: Ablation, cell: Cell | None) -> str:
    """ "Without 3 heads and 5 patches · logit of “tabby” 8.12 → 6.90 (−1.22)".

    Args:
        ablation: What is taken away now.
        cell: The last answer; what it says of the class is told where it is to this ablation.
    """
    words = capitalised(ablation_words(ablation))
    if not words or cell is None or cell.change is None or cell.request.ablation != ablation:
        return words
    change = cell.change
    name = shown_text(cell.class_name(change.target), MOST_OF_NAME)
    by = f"{change.after - change.before:+.2f}".replace("-", "−")
    return f"{words}{SEPARATOR}logit of “{name}” {change.before:.2f} → {change.after:.2f} ({by})"
