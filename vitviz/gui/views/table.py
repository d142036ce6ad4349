"""The views, in the order of their tabs: a new view is a file and a row here."""

from __future__ import annotations

from vitviz.figures.spec import Content
from vitviz.gui.views.view import ViewKind, ViewWidget
from vitviz.session.state import Session


def _look() -> ViewWidget:
    from vitviz.gui.views.look import LookView

    return LookView()


def _heads() -> ViewWidget:
    from vitviz.gui.views.heads.view import HeadsView

    return HeadsView()


def _patches() -> ViewWidget:
    from vitviz.gui.views.patches.view import PatchesView

    return PatchesView()


def _masked() -> ViewWidget:
    from vitviz.gui.views.masked.view import MaskedView

    return MaskedView()


def _compare() -> ViewWidget:
    from vitviz.gui.views.compare.view import CompareView

    return CompareView()


def _how() -> ViewWidget:
    from vitviz.gui.views.how.view import HowView

    return HowView()


def _charts() -> ViewWidget:
    from vitviz.gui.views.charts.view import ChartsView

    return ChartsView()


def _difference(session: Session) -> Content | None:
    """A difference is more than maps over photos."""
    return "compare" if session.compare.arrangement == "difference" else None


VIEWS = (
    ViewKind("look", "&Look", _look, ("map", "layers")),
    ViewKind("heads", "&Heads", _heads, ("heads",), lambda _: "heads"),
    ViewKind("patches", "&Patches", _patches, ("patches",), lambda _: "patches"),
    ViewKind("compare", "&Compare", _compare, ("compare", "compare layers"), _difference,
             all_panes=True, opens_for_drags=True),
    ViewKind("masked", "&Masked", _masked, ("map", "layers")),
    ViewKind("how", "How It &Sees", _how, ("map", "layers")),
    ViewKind("charts", "C&harts", _charts, ("map", "layers")),
)  # fmt: skip
