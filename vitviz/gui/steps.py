"""What a step of undo did, told from the sessions before and after it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from vitviz.methods import METHODS
from vitviz.plain_text import shown_text
from vitviz.plurals import count_of
from vitviz.session.state import Session, View
from vitviz.wording.names import layer_name

MOST_LETTERS = 40
"""Of a name in a menu."""

VIEW_PARTS = {
    "params": "Settings of the Method", "head": "Heads", "query": "Choose What Is Asked About",
    "direction": "Swap Direction", "target": "Choose Class", "contrast": "Set Against a Class",
    "ablation": "Change the Model", "outliers": "Outlier Patches", "reference": "Reference Photo",
}  # fmt: skip

STYLE_PARTS = {
    "colour_map": "Colours", "opacity": "Opacity", "range": "Range", "scaling": "Scale",
    "smooth": "Smooth Edges", "grid": "Patch Grid", "outlined": "Outline",
}  # fmt: skip

PARTS = {
    "model": "Choose Model", "input": "Input of the Model", "tab": "Turn to Another View",
    "background": "Background", "figure": "Figure", "mask": "Mask",
}  # fmt: skip


def step_name(before: Session, after: Session) -> str:
    """What turned one session into the other, in a few words: "Open 520 Photos"."""
    if before.photos != after.photos:
        return _photos(before, after)
    if len(before.panes) != len(after.panes):
        more = len(after.panes) - len(before.panes)
        return f"{'Add' if more > 0 else 'Remove'} {count_of(abs(more), 'Pane')}"
    if before.tab != after.tab:
        return f"Turn to {after.tab.capitalize()}"
    if before.photo != after.photo and after.photo is not None:
        return f"Go to {_short(Path(after.photo.path).name)}"
    if before.compare != after.compare:
        return "Arrange Panes"
    if before.view != after.view:
        return _view(before.view, after.view)
    if before.style != after.style:
        return STYLE_PARTS.get(_first_difference(before.style, after.style), "Appearance")
    return PARTS.get(_first_difference(before, after), "Change")


def _photos(before: Session, after: Session) -> str:
    old, new = set(before.photos), set(after.photos)
    came, went = new - old, old - new
    if came and went:
        return f"Open {count_of(len(after.photos), 'Photo')} Instead"
    those, verb = (came, "Open") if came else (went, "Close")
    if len(those) == 1:
        return f"{verb} {_short(Path(next(iter(those)).path).name)}"
    return f"{verb} {count_of(len(those), 'Photo')}"


def _view(before: View, after: View) -> str:
    if before.method != after.method:
        return METHODS[after.method].title
    if before.layer != after.layer:
        if after.layer < 0:
            return "Change Layer"
        return f"Go to {layer_name(after.layer).capitalize()}"
    return VIEW_PARTS.get(_first_difference(before, after), "Change View")


def _first_difference(before: object, after: object) -> str:
    names = [field.name for field in fields(before)]  # type: ignore[arg-type]
    return next((n for n in names if getattr(before, n) != getattr(after, n)), "")


def _short(name: str) -> str:
    return shown_text(name, MOST_LETTERS)
