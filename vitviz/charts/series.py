"""Charts of series: a number of each layer and head, or of each layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from vitviz.charts.kinds import ChartKind, Subject, over
from vitviz.engine.answers import SeriesValues
from vitviz.engine.requests import Request, SeriesRequest
from vitviz.figures.chart import Chart, Line, Plot, Row, Table, Target, axis, counting
from vitviz.methods.series import QUANTILES, SERIES
from vitviz.models.outline import Outline
from vitviz.shapes import Float64
from vitviz.wording.caption import SEPARATOR
from vitviz.wording.names import head_name, layer_name, prefix_name

ByLayer = dict[int, Float64[np.ndarray, "photos numbers"]]


def gathered(answers: Sequence[SeriesValues]) -> ByLayer:
    """The numbers of each layer, a row a photo."""
    layers = [dict(answer.layers) for answer in answers]
    return {layer: np.stack([of[layer] for of in layers]).astype(np.float64) for layer in layers[0]}


def request_of(name: str) -> Callable[[Request, str, str], Request]:
    """Asks for a series."""

    def request(base: Request, other: str, device: str) -> Request:
        del other
        return SeriesRequest(
            base.photo, base.background, base.model, base.input, name, device,
            ablation=base.ablation,
        )  # fmt: skip

    return request


def misfit_of(name: str) -> Callable[[Outline], str]:
    """Why a series cannot be measured."""
    return SERIES[name].misfit


def of_heads(
    name: str, axis_title: str, *, percent: bool = False
) -> Callable[[Sequence[SeriesValues], Subject], Chart]:
    """A chart with a dot for each head, and a line through the means over heads."""

    def make(answers: Sequence[SeriesValues], subject: Subject) -> Chart:
        series, by_layer = SERIES[name], gathered(answers)
        means = {layer: values.mean(0) for layer, values in by_layer.items()}
        dots = [(layer, head, float(value)) for layer, values in means.items()
                for head, value in enumerate(values)]  # fmt: skip
        alone = all(len(values) == 1 for values in means.values())
        unit = "" if percent else f" {series.unit}"
        labels = tuple(
            f"{_place(layer, head, subject, alone)}: {_number(value, percent)}{unit}"
            + _spread(by_layer[layer][:, head], percent)
            for layer, head, value in dots
        )
        targets = tuple[Target, ...]((layer, None if alone else head) for layer, head, _ in dots)
        of_layers = [(layer + 1, float(values.mean())) for layer, values in means.items()]
        heads = Line(
            "" if alone else "each head", [layer + 1 for layer, _, _ in dots],
            [value for _, _, value in dots], 0, width=0.0, dots=True, labels=labels,
            targets=targets,
        )  # fmt: skip
        mean = Line(
            "" if alone else "mean of heads", [layer for layer, _ in of_layers],
            [value for _, value in of_layers], 0 if alone else 1,
        )  # fmt: skip
        values = [value for _, _, value in dots]
        plot = Plot(
            counting("layer", 1, subject.outline.depth),
            axis(axis_title, values, percent=percent), (mean, heads),
        )  # fmt: skip
        return Chart(
            name, series.title, plot, SEPARATOR.join((subject.title, over(answers))),
            _rows(by_layer, ["head"], series.unit),
        )  # fmt: skip

    return make


def _place(layer: int, head: int, subject: Subject, alone: bool) -> str:
    where = layer_name(layer, subject.outline)
    return where if alone else f"{where}, {head_name(head)}"


def _number(value: float, percent: bool) -> str:
    return f"{100 * value:.3g} %" if percent else f"{value:.3g}"


def _spread(values: Float64[np.ndarray, " photos"], percent: bool) -> str:
    """ " ± 0.3 over photos"."""
    if len(values) < 2:
        return ""
    return f" ± {_number(float(values.std(ddof=1)), percent)} over photos"


def _rows(by_layer: ByLayer, of: list[str], unit: str) -> Table:
    """A table: a line a number."""
    heading = ("layer", *of, f"mean ({unit})", "standard deviation over photos", "photos")
    rows: list[Row] = [heading]
    for layer, values in by_layer.items():
        for number in range(values.shape[1]):
            column = values[:, number]
            spread = float(column.std(ddof=1)) if len(column) > 1 else float("nan")
            rows.append((layer + 1, number + 1, float(column.mean()), spread, len(column)))
    return tuple(rows)


def norms(answers: Sequence[SeriesValues], subject: Subject) -> Chart:
    """Norms of patches as a band and its middle, of each prefix token as a line."""
    by_layer = gathered(answers)
    layers = [layer + 1 for layer in by_layer]
    names = (*QUANTILES, *subject.outline.prefix)
    means = np.stack([values.mean(0) for values in by_layer.values()])
    columns = dict(zip(names, means.T.tolist(), strict=True))

    def said(name: str) -> tuple[str, ...]:
        return tuple(
            f"{layer_name(layer, subject.outline)}, {name}: {value:.4g}"
            for layer, value in zip(by_layer, columns[name], strict=True)
        )

    targets = tuple[Target, ...]((layer, None) for layer in by_layer)
    lines = [
        Line("patches, middle half", layers, columns["median"], 0, width=0.0,
             low=columns["lower quarter"], high=columns["upper quarter"]),
        Line("median patch", layers, columns["median"], 0, dots=True,
             labels=said("median"), targets=targets),
        Line("greatest patch", layers, columns["greatest"], 0, "dashed", 1.4, dots=True,
             labels=said("greatest"), targets=targets),
        *(
            Line(prefix_name(name), layers, columns[name], 1 + number % 5,
                 "solid" if number < 5 else "dotted", 1.6, dots=True,
                 labels=said(name), targets=targets)
            for number, name in enumerate(subject.outline.prefix)
        ),
    ]  # fmt: skip
    shown = [value for name in ("greatest", *subject.outline.prefix) for value in columns[name]]
    plot = Plot(
        counting("layer", 1, subject.outline.depth), axis("norm of the state", shown), tuple(lines)
    )
    rows: list[Row] = [("layer", *names, "photos")]
    rows += [(layer, *map(float, values), len(answers))
             for layer, values in zip(layers, means, strict=True)]  # fmt: skip
    caption = SEPARATOR.join((subject.title, over(answers)))
    return Chart("token-norms", SERIES["token-norms"].title, plot, caption, tuple(rows))


KINDS = (
    ChartKind(
        "attention-distance", "Attention distance",
        "How far patches look, by layer and head, in pixels of the input: local heads lie low, "
        "global ones high", SERIES["attention-distance"].source, misfit_of("attention-distance"),
        request_of("attention-distance"), of_heads("attention-distance", "distance in pixels"),
    ),
    ChartKind(
        "attention-entropy", "Attention entropy",
        "How widely tokens look, by layer and head, in bits: 0 on one token, more on many",
        SERIES["attention-entropy"].source, misfit_of("attention-entropy"),
        request_of("attention-entropy"), of_heads("attention-entropy", "entropy in bits"),
    ),
    ChartKind(
        "prefix-share", "Attention on prefix tokens",
        "How much of their attention patches give to CLS and registers, by layer and head: what "
        "goes there is not shown on the photo", SERIES["prefix-share"].source,
        misfit_of("prefix-share"), request_of("prefix-share"),
        of_heads("prefix-share", "share of attention", percent=True),
    ),
    ChartKind(
        "token-norms", "Token norms",
        "How long the states of patches and prefix tokens are after each layer: outliers are far "
        "above the median", SERIES["token-norms"].source, misfit_of("token-norms"),
        request_of("token-norms"), norms,
    ),
    ChartKind(
        "receptive-field", "Receptive field",
        "How much of the input a patch can see at all, by layer", SERIES["receptive-field"].source,
        lambda outline: "" if any(layer.receptive is not None for layer in outline.layers)
        else "how far its layers see is not known",
        request_of("receptive-field"), of_heads("receptive-field", "side in pixels"),
    ),
)  # fmt: skip
