"""Charts beside series: layers that are alike, the class race, heads, filters, positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vitviz.charts.kinds import ChartKind, Subject, over
from vitviz.engine.answers import HeadGrid
from vitviz.engine.chart_answers import FirstFilters, LayerAlignment, Positions
from vitviz.engine.chart_requests import CkaRequest, FiltersRequest, PositionsRequest
from vitviz.engine.requests import HeadGridRequest, Request
from vitviz.engine.station_answers import Lens
from vitviz.engine.station_requests import LensRequest
from vitviz.figures.chart import Chart, Line, Matrix, Plot, Row, Target, Tiles, axis, counting
from vitviz.maps.colour import table
from vitviz.methods.base import LACKS
from vitviz.models.outline import Ability, Outline
from vitviz.plain_text import MOST_OF_NAME, shown_text
from vitviz.wording.caption import SEPARATOR
from vitviz.wording.names import patch_name

RUNNERS = 5
"""Classes in the race on one photo."""


def _needs(*abilities: Ability) -> Callable[[Outline], str]:
    def misfit(outline: Outline) -> str:
        missing = [LACKS[one] for one in LACKS if one in abilities and one not in outline.gives]
        return " and ".join(missing)

    return misfit


def _asking(kind: type[Request]) -> Callable[[Request, str, str], Request]:
    """Asks for a kind of answer; of another model too, where it can be of two."""

    def request(base: Request, other: str, device: str) -> Request:
        more: dict[str, Any] = {"device": device, "ablation": base.ablation}
        if kind is CkaRequest:
            more["other"] = other
        return kind(base.photo, base.background, base.model, base.input, **more)

    return request


def alignment(answers: Sequence[LayerAlignment], subject: Subject) -> Chart:
    """CKA of each pair of layers."""
    from vitviz.probing.cka import cka

    values = cka([answer.sums for answer in answers])
    rows, columns = (tuple(str(n + 1) for n in range(count)) for count in values.shape)
    two = answers[0].other is not None
    targets = tuple(tuple[Target | None, ...]((row, None) for _ in columns)
                    for row in range(len(rows)))  # fmt: skip
    titles = ("layer of A", "layer of B") if two else ("layer", "layer")
    matrix = Matrix(values, rows, columns, titles, "CKA", ends=(0.0, 1.0), targets=targets)
    of = f"A: {subject.title}{SEPARATOR}B: {subject.other}" if two else subject.title
    places = sum(answer.places for answer in answers)
    caption = SEPARATOR.join((of, over(answers, "over"), f"{places:,} places"))
    heading: Row = ("layer", *(f"{titles[1]} {name}" for name in columns))
    numbers = (heading, *((row + 1, *map(float, line)) for row, line in enumerate(values)))
    return Chart("cka", "Similarity of layers (CKA)", matrix, caption, numbers)


def _class_name(index: int, subject: Subject) -> str:
    names = subject.card.class_names
    return shown_text(names[index], MOST_OF_NAME) if index < len(names) else f"class {index}"


def race(answers: Sequence[Lens], subject: Subject) -> Chart:
    """Probabilities of classes by depth: of one photo the first few, of several photos that of the
    class that each ends with.
    """
    depths = len(answers[0].shares)
    xs = list(range(depths))
    targets = tuple[Target, ...]((max(depth - 1, 0), None) for depth in xs)
    if len(answers) == 1:
        (lens,) = answers
        best = (-lens.shares[-1]).argsort(kind="stable")[:RUNNERS].tolist()
        named = [(_class_name(index, subject), lens.shares[:, index].tolist()) for index in best]
        note = f"decided {_depth_name(lens.decided)}"
    else:
        of_target = np.stack([lens.shares[:, int(lens.logits[-1].argmax())] for lens in answers])
        named = [("class that each photo ends with", of_target.mean(0).tolist())]
        decided = float(np.median([lens.decided for lens in answers]))
        note = f"half of the photos are decided after layer {decided:g}"
    lines = [
        Line(name, xs, ys, number, "solid" if number < 3 else "dashed", 1.8, dots=True,
             labels=tuple(f"{name}, {_depth_name(x)}: {100 * y:.3g} %"
                          for x, y in zip(xs, ys, strict=True)), targets=targets)
        for number, (name, ys) in enumerate(named)
    ]  # fmt: skip
    if len(answers) > 1:
        low, high = np.quantile(of_target, [0.25, 0.75], axis=0)
        lines.insert(0, Line("middle half of the photos", xs, named[0][1], 0, width=0.0,
                             low=low.tolist(), high=high.tolist()))  # fmt: skip
    highest = max(max(ys) for _, ys in named)
    y = axis("probability", [*named[0][1], highest], percent=True,
             ends=(0.0, 1.0) if highest > 0.5 else None)  # fmt: skip
    plot = Plot(counting("depth: after this layer", 0, depths - 1), y, tuple(lines))
    caption = SEPARATOR.join((subject.title, over(answers), note))
    heading: Row = ("depth", *(name for name, _ in named))
    rows = (heading, *((x, *(ys[x] for _, ys in named)) for x in xs))
    return Chart("class-race", "Class race", plot, caption, rows)


def _depth_name(depth: int) -> str:
    return f"after layer {depth}" if depth else "before the first layer"


def heads(answers: Sequence[HeadGrid], subject: Subject) -> Chart:
    """How much the logit falls without each head."""
    layers = [layer for layer, _ in answers[0].layers]
    most = max(len(values) for _, values in answers[0].layers)
    values = np.full((len(layers), most), np.nan)
    for row in range(len(layers)):
        of_layer = np.mean([answer.layers[row][1] for answer in answers], axis=0)
        values[row, : len(of_layer)] = of_layer
    rows = tuple(str(layer + 1) for layer in layers)
    columns = tuple(str(head + 1) for head in range(most))
    targets = tuple(tuple[Target | None, ...]((layer, head) for head in range(most))
                    for layer in layers)  # fmt: skip
    matrix = Matrix(values, rows, columns, ("layer", "head"), "fall of the logit", True,
                    targets=targets)  # fmt: skip
    one = len(answers) == 1
    of = f"“{answers[0].target_name}”" if one else "each photo's most probable class"
    caption = SEPARATOR.join((subject.title, over(answers), f"of {of}"))
    heading: Row = ("layer", *(f"head {name}" for name in columns))
    lines = zip(layers, values, strict=True)
    numbers = (heading, *((layer + 1, *map(float, line)) for layer, line in lines))
    return Chart("head-logits", "Logit without each head", matrix, caption, numbers)


def filters(answers: Sequence[FirstFilters], subject: Subject) -> Chart:
    """The principal components of the first filters, as pictures."""
    found = answers[0].components
    images = tuple(np.rint(127.5 * (image + 1)).astype(np.uint8) for image in found.images)
    labels = tuple(f"component {number}: {100 * share:.3g} % of the variance"
                   for number, share in enumerate(found.shares, 1))  # fmt: skip
    total = 100 * sum(found.shares)
    side = images[0].shape[0] if images else 0
    caption = SEPARATOR.join((
        subject.title, f"{answers[0].count} filters of {side} × {side} pixels",
        f"{len(images)} components hold {total:.3g} % of their variance",
    ))  # fmt: skip
    heading: Row = ("component", "share of variance")
    rows = (heading, *enumerate(map(float, found.shares), 1))
    return Chart("filters", "First filters", Tiles(images, labels, 7), caption, rows)


def positions(answers: Sequence[Positions], subject: Subject) -> Chart:
    """The similarity of each position with all, a small map at its place."""
    found = answers[0].similarity
    low, high = float(found.values.min()), float(found.values.max())
    shades = table("viridis")
    images, labels = [], []
    numbers: list[Row] = [("row", "column", "other row", "other column", "cosine")]
    for down, row in enumerate(found.rows):
        for across, col in enumerate(found.cols):
            values = found.values[down, across]
            steps = np.rint(255 * (values - low) / ((high - low) or 1.0)).astype(np.intp)
            images.append(shades[steps])
            labels.append(f"position {patch_name(row, col)}")
            numbers += [(row + 1, col + 1, r + 1, c + 1, float(values[r, c]))
                        for r, c in np.ndindex(values.shape)]  # fmt: skip
    some = f"cosines from {low:.2f} (dark) to {high:.2f} (bright)"
    within = f"beside it {' and '.join(answers[0].within)}" if answers[0].within else ""
    caption = SEPARATOR.join(filter(None, (subject.title, some, within)))
    tiles = Tiles(tuple(images), tuple(labels), len(found.cols))
    return Chart("positions", "Similarity of positions", tiles, caption, tuple(numbers))


KINDS = (
    ChartKind(
        "class-race", "Class race",
        "What the model's head would answer after each layer (logit lens): where it is decided",
        "Vilas et al. 2023, arXiv 2310.18969", _needs("classes", "sequence", "states"),
        _asking(LensRequest), race,
    ),
    ChartKind(
        "cka", "Similarity of layers",
        "How alike the layers are, or those of two models: 1 where one is the other turned and "
        "scaled (linear CKA over places)",
        "Kornblith et al. 2019, arXiv 1905.00414; Raghu et al. 2021, arXiv 2108.08810",
        _needs("states"), _asking(CkaRequest), alignment, compares=True,
    ),
    ChartKind(
        "head-logits", "Logit without each head",
        "How much the class's logit falls when a head puts out nothing; below 0 it rises",
        "Michel et al. 2019, arXiv 1905.10650", _needs("attention", "classes"),
        _asking(HeadGridRequest), heads,
    ),
    ChartKind(
        "filters", "First filters",
        "The directions in which the filters of the first layer differ most, as pictures",
        "Dosovitskiy et al. 2021, arXiv 2010.11929, figure 7", _needs(), _asking(FiltersRequest),
        filters, of_photos=False,
    ),
    ChartKind(
        "positions", "Similarity of positions",
        "How alike the position of each patch is to all others: near ones, and those of its row "
        "and column", "Dosovitskiy et al. 2021, arXiv 2010.11929, figure 7",
        lambda outline: "" if "attention" in outline.gives else "the model has no positions",
        _asking(PositionsRequest), positions, of_photos=False,
    ),
)  # fmt: skip
