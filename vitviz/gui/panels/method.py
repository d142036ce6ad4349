"""Which explanation, of what, with which settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from vitviz.engine.answers import Cell
from vitviz.gui.scene import Scene
from vitviz.gui.widgets.form import Choice, Number, TextLine, WholeNumber, column, form, quiet, row
from vitviz.maps.heat_map import Head
from vitviz.methods import METHODS
from vitviz.methods.base import Parameter, ParameterValue
from vitviz.models.outline import Outline
from vitviz.session.queries import name_of
from vitviz.session.state import MOST_REFERENCES, Session, View
from vitviz.wording.names import ALL_PATCHES, capitalised, head_name, prefix_name, query_name

Control = Choice | Number | WholeNumber | TextLine

DIRECTIONS = {"of": "Attends to", "to": "Is attended by"}

FUSIONS: tuple[tuple[str, Head], ...] = (
    ("Mean of all", "mean"), ("Maximum of all", "max"), ("Minimum of all", "min")
)  # fmt: skip


OUTLIERS = (("Like all others", "show"), ("Framed", "highlight"), ("Left out", "exclude"))

OUTLIER_HELP = (
    "Patches whose norm after the layer lies more than 6 median absolute deviations above the "
    "median: large models keep there what is not about these patches. Nothing is said of models "
    "that give no states of their layers"
)


REFERENCE_HELP = (
    "Of which photos the components are, and the percentiles of plain colours: taken together, a "
    "colour means the same on all of them. What is chosen stays when another photo is shown"
)


class MethodPanel(QWidget):
    """Shows a view's method; every change is a new view.

    Signals:
        chosen(View view, str kind): The user chose this view; ``kind`` merges undo steps.
    """

    chosen = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = View()
        self.controls: dict[str, Control] = {}
        self._controls_of = ""
        layout = column(self)
        self._form = form()
        self.method = Choice("Method", [(m.title, m.name) for m in METHODS.values()])
        self.heads = Choice("Heads")
        self.query = Choice("Query")
        self.direction = Choice("Direction")
        row(self._form, "Method", self.method)
        row(self._form, "Heads", self.heads, "One head, or all of them fused ( , and . )")
        esc = "Esc: what the class is read from"
        row(self._form, "Of", self.query, f"Click a patch on the photo to choose it; {esc}")
        row(
            self._form,
            "Direction",
            self.direction,
            "Whom the query looks at, or who looks at it (T swaps them)",
        )
        self.reference = Choice("Components of")
        row(self._form, "Components of", self.reference, REFERENCE_HELP)
        layout.addLayout(self._form)
        self._parameters = form()
        layout.addLayout(self._parameters)
        self.outliers = Choice("Outlier patches", OUTLIERS)
        last = form()
        row(last, "Outliers", self.outliers, OUTLIER_HELP)
        layout.addLayout(last)
        self.source = quiet()
        layout.addWidget(self.source)
        layout.addStretch(1)
        self.method.currentIndexChanged.connect(self._method_chosen)
        self.heads.currentIndexChanged.connect(self._head_chosen)
        self.query.currentIndexChanged.connect(self._query_chosen)
        self.direction.currentIndexChanged.connect(self._direction_chosen)
        self.outliers.currentIndexChanged.connect(self._outliers_chosen)
        self.reference.currentIndexChanged.connect(self._reference_chosen)

    def show_scene(self, scene: Scene) -> None:
        """Shows what is chosen; the cell tells how many heads and which prefix tokens there are."""
        view, cell = scene.session.view, scene.cell
        self._view = view
        method = METHODS[view.method]
        self.method.show_value(view.method)
        outline = cell.outline if cell else scene.card.outline if scene.card else None
        self.source.setText(method.source_for(outline))
        self._show_misfits(outline)
        self._show_heads(view, outline.heads if outline else 0)
        shown = view if scene.hover is None else replace(view, query=scene.hover, reference=())
        self._show_query(shown, cell, outline)
        self._show_reference(scene.session)
        self.direction.set_pairs([(DIRECTIONS[d], d) for d in method.directions])
        answered = view.direction in method.directions
        self.direction.show_value(view.direction if answered else method.directions[0])
        self.direction.setEnabled(len(method.directions) > 1)
        self.outliers.show_value(view.outliers)
        self.outliers.setEnabled(cell is None or bool(cell.explanation.outliers))
        if self._controls_of != view.method:
            self._build_parameters(method.parameters)
            self._controls_of = view.method
        if outline is not None:
            self._show_bounds(method.parameters, outline.depth)
        for name, value in method.settings(dict(view.params)).items():
            self.controls[name].show_value(value)  # type: ignore[arg-type]

    def _show_misfits(self, outline: Outline | None) -> None:
        """Methods that the model does not give what they need for cannot be chosen, and say why."""
        reasons = {} if outline is None else {m.name: m.misfit(outline) for m in METHODS.values()}
        self.method.set_refusals({name: why for name, why in reasons.items() if why})

    def _show_heads(self, view: View, heads: int) -> None:
        method = METHODS[view.method]
        pairs: list[tuple[str, Head]] = [*FUSIONS]
        pairs += [(capitalised(head_name(head)), head) for head in range(heads)]
        self.heads.set_pairs([("None", "mean")] if method.heads == "none" else pairs)
        self.heads.show_value(view.head if method.has_heads else "mean")
        self.heads.setEnabled(method.has_heads)

    def _show_query(self, view: View, cell: Cell | None, outline: Outline | None) -> None:
        about_token = METHODS[view.method].about_token
        self.query.setEnabled(about_token)
        if not about_token:
            self.query.set_pairs([("The whole photo", None)])
            return
        prefix = outline.prefix if outline else ("cls",)
        pairs: list[tuple[str, object]] = [(prefix_name(name), name) for name in prefix]
        pairs.append((capitalised(ALL_PATCHES), "patches"))
        if not isinstance(view.query, str):
            name = query_name(cell.query_layout, cell.query_tokens) if cell else "patch"
            if view.reference and METHODS[view.method].refers == "photo":
                name += f" of {Path(view.reference[0].path).name}"
            pairs.append((capitalised(name), view.query))
        self.query.set_pairs(pairs)
        # What "auto" means for this model, which it goes on to mean something else for the next.
        self.query.show_value((outline and name_of(view.query, outline)) or view.query)

    def _show_reference(self, session: Session) -> None:
        """Whose components are shown: this photo's, those of all open photos, or those kept."""
        self._form.setRowVisible(self.reference, METHODS[session.view.method].refers == "photos")
        chosen, opened = session.view.reference, session.photos[:MOST_REFERENCES]
        pairs: list[tuple[str, object]] = [("This photo", ())]
        if session.photo is not None:
            name = Path(session.photo.path).name
            pairs.append((f"{name}, kept for others", (session.photo,)))
        if len(opened) > 1:
            words = "All" if len(opened) == len(session.photos) else "The first"
            pairs.append((f"{words} {len(opened)} open photos", opened))
        if chosen not in [value for _, value in pairs]:
            of_one = len(chosen) == 1
            pairs.append((Path(chosen[0].path).name if of_one else f"{len(chosen)} photos", chosen))
        self.reference.set_pairs(pairs)
        self.reference.show_value(chosen)

    def _show_bounds(self, parameters: tuple[Parameter, ...], depth: int) -> None:
        for parameter in parameters:
            control = self.controls[parameter.name]
            if (
                isinstance(control, WholeNumber)
                and parameter.bounds
                and parameter.bounds[1] is None
            ):
                blocked = control.blockSignals(True)
                control.setMaximum(depth)
                control.blockSignals(blocked)

    def _build_parameters(self, parameters: tuple[Parameter, ...]) -> None:
        while self._parameters.rowCount():
            self._parameters.removeRow(0)
        self.controls = {}
        for parameter in parameters:
            control = make_control(parameter)
            self.controls[parameter.name] = control
            row(self._parameters, parameter.title, control, parameter.help)
            if isinstance(control, Choice):
                control.currentIndexChanged.connect(self._parameters_chosen)
            elif isinstance(control, TextLine):
                control.editingFinished.connect(self._parameters_chosen)
            else:
                control.valueChanged.connect(self._parameters_chosen)

    def _method_chosen(self) -> None:
        name = str(self.method.value)
        alike = METHODS[name].refers == METHODS[self._view.method].refers
        reference = self._view.reference if alike else ()
        self.chosen.emit(replace(self._view, method=name, params=(), reference=reference), "")

    def _head_chosen(self) -> None:
        self.chosen.emit(replace(self._view, head=self.heads.value), "head")  # type: ignore[arg-type]

    def _query_chosen(self) -> None:
        query = self.query.value
        reference = self._view.reference if query == self._view.query else ()
        self.chosen.emit(replace(self._view, query=query, reference=reference), "query")  # type: ignore[arg-type]

    def _direction_chosen(self) -> None:
        self.chosen.emit(
            replace(self._view, direction=self.direction.value),  # type: ignore[arg-type]
            "direction",
        )

    def _outliers_chosen(self) -> None:
        self.chosen.emit(replace(self._view, outliers=self.outliers.value), "")  # type: ignore[arg-type]

    def _reference_chosen(self) -> None:
        self.chosen.emit(replace(self._view, reference=self.reference.value), "")  # type: ignore[arg-type]

    def _parameters_chosen(self) -> None:
        defaults = METHODS[self._view.method].settings({})
        values = {name: control_value(control) for name, control in self.controls.items()}
        changed = {name: value for name, value in values.items() if value != defaults[name]}
        params = tuple(sorted(changed.items()))
        if params == self._view.params:
            return  # a line of text was left as it was
        self.chosen.emit(replace(self._view, params=params), "parameters")


def make_control(parameter: Parameter) -> Control:
    """The control for a parameter, by the type of its default."""
    if parameter.choices:
        return Choice(parameter.title, [(choice, choice) for choice in parameter.choices])
    if isinstance(parameter.default, bool):
        return Choice(parameter.title, [("Yes", True), ("No", False)])
    if isinstance(parameter.default, str):
        return TextLine(parameter.title)
    low, high = parameter.bounds or (0, None)
    if isinstance(parameter.default, int):
        return WholeNumber(parameter.title, int(low), 999 if high is None else int(high))
    return Number(parameter.title, low, 1e9 if high is None else high, 3)


def control_value(control: Control) -> ParameterValue:
    """What the control is set to."""
    if isinstance(control, Choice):
        value = control.value
        assert isinstance(value, str | bool)
        return value
    if isinstance(control, WholeNumber):
        return control.value()
    if isinstance(control, TextLine):
        return control.text()
    return round(control.value(), control.decimals())
