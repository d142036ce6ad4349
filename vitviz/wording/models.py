"""What a network is, in words."""

from __future__ import annotations

from vitviz.models.outline import Outline


def shape(outline: Outline) -> str:
    """ "12 layers, 3 heads, width 192, MLP 768, patch 16": what it has, and its family's sizes."""
    heads = [f"{outline.heads} heads"] if outline.heads else []
    sizes = [f"{name} {size}" for name, size in outline.sizes]
    return ", ".join([f"{outline.depth} layers", *heads, *sizes])
