"""The middle of the window: the view that is open, and those that were."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QStackedWidget

from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.scene import Scene
from vitviz.gui.views.view import ViewKind, ViewWidget
from vitviz.progress import Stage
from vitviz.session.state import Tab


class ViewStack(QStackedWidget):
    """Makes each view when it is first opened, and shows the scene in the one that is open.

    Args:
        kinds: The views that there are; the first one is open at first.
        connect: Called with each new view.
    """

    def __init__(
        self, kinds: Sequence[ViewKind], connect: Callable[[Tab, ViewWidget], None]
    ) -> None:
        super().__init__()
        self._kinds = {kind.name: kind for kind in kinds}
        self._connect = connect
        self._made: dict[Tab, ViewWidget] = {}
        self.kind = kinds[0]
        self._first = self.view(self.kind.name)
        self.brushing = False

    def view(self, name: Tab) -> ViewWidget:
        """The view, which is made when it is first asked for."""
        if name not in self._made:
            view = self._kinds[name].make()
            self._made[name] = view
            self.addWidget(view)
            self._connect(name, view)
        return self._made[name]

    @property
    def canvas(self) -> Canvas:
        """The photo that zooming and keys act on."""
        canvas = self.view(self.kind.name).canvas or self._first.canvas
        assert canvas is not None
        return canvas

    def show_scene(self, scene: Scene) -> None:
        """Turns to the view that is chosen, and shows the scene in it."""
        self.kind = self._kinds[scene.session.tab]
        view = self.view(self.kind.name)
        turned = view is not self.currentWidget()
        self.setCurrentWidget(view)
        view.show_scene(scene)
        if turned:
            view.on_turned_to()
        if scene.opened is None:  # the others let go of the photo, too
            for other in self._made.values():
                if other is not view:
                    other.show_scene(scene)

    def set_brushing(self, brushing: bool) -> None:
        """Takes the brush that removes patches in hand, or puts it away."""
        assert self._first.canvas is not None
        self.brushing = brushing
        self._first.canvas.set_brushing(brushing)

    def show_progress(self, stage: Stage, fraction: float) -> None:
        """How far the work on the current pane's map is."""
        assert self._first.canvas is not None
        self._first.canvas.set_progress(fraction)

    def show_trust(self, scene: Scene) -> None:
        """Shows the trust in the maps of the view that is open."""
        self.view(self.kind.name).show_trust(scene)
