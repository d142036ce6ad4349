"""When commands can be given."""

from __future__ import annotations

from vitviz.gui.scene import Scene
from vitviz.methods import METHODS
from vitviz.models.loading import bundled


def has_map(scene: Scene) -> bool:
    """There is a map to take along: one of last time is only looked at until the live one comes."""
    return scene.cell is not None and not scene.cell.recalled


def has_photos(scene: Scene) -> bool:
    """A photo is open, or is being opened."""
    return bool(scene.session.photos)


def has_chosen_range(scene: Scene) -> bool:
    """Both ends of the colours were chosen."""
    return isinstance(scene.session.style.range, tuple)


def has_missing(scene: Scene) -> bool:
    """Some file of the session is not where it was."""
    return bool(scene.missing)


def has_panes(scene: Scene) -> bool:
    """The Compare view has several panes."""
    return len(scene.session.panes) > 1


def has_heads(scene: Scene) -> bool:
    """There is a map of each head."""
    return METHODS[scene.session.view.method].has_heads


def is_checkpoint(scene: Scene) -> bool:
    """The model is one of the user's, of which something may have been assumed."""
    return scene.card is not None and scene.card.id not in {card.id for card in bundled()}


def asks_class(scene: Scene) -> bool:
    """The map is about a class."""
    return scene.asks_class


def on_the_way(scene: Scene) -> bool:
    """The model's way to its answer is shown."""
    return scene.session.tab == "how" and scene.cell is not None


def has_windows(scene: Scene) -> bool:
    """The model looks within windows."""
    return scene.cell is not None and any(layer.window for layer in scene.cell.outline.layers)


def has_classes(scene: Scene) -> bool:
    """The model tells classes apart, and a method can ask about one."""
    return scene.may_ask_class
