"""What a network is, in words."""

from __future__ import annotations

from vitviz.models.outline import Outline
from vitviz.plurals import count_of


def shape(outline: Outline) -> str:
    """ "12 layers, 3 heads, width 192, MLP 768, patch 16": what it has, and its family's sizes."""
    heads = [count_of(outline.heads, "head")] if outline.heads else []
    sizes = [f"{name} {size}" for name, size in outline.sizes]
    return ", ".join([count_of(outline.depth, "layer"), *heads, *sizes])
