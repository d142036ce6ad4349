"""Which sizes of patches one might think of; knows no Qt."""

from __future__ import annotations

SIDES = (4, 7, 8, 14, 16, 28, 32)
"""Sides in input pixels, ascending."""
