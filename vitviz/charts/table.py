"""Every kind of chart, in the order in which they are offered: a new one is a row."""

from __future__ import annotations

from vitviz.charts import others, series
from vitviz.charts.kinds import ChartKind

_OTHERS = {kind.name: kind for kind in others.KINDS}

CHARTS: dict[str, ChartKind] = {
    kind.name: kind
    for kind in (
        *series.KINDS[:4],
        _OTHERS["class-race"],
        _OTHERS["head-logits"],
        _OTHERS["cka"],
        _OTHERS["filters"],
        _OTHERS["positions"],
        series.KINDS[4],
    )
}
