"""Draws the log of a run: losses and measurements over steps.

    python tools/plot_training.py RUN/log.jsonl curve.svg

Needs matplotlib.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from vitviz.training.checkpoint import read_log

LOSSES = {"states", "attention", "logits", "loss"}


def main() -> int:
    """Draws it."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("log", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    lines = read_log(options.log)
    figure = Figure(figsize=(7, 5), layout="constrained")
    losses, measured = figure.subplots(2, 1, sharex=True)
    curves(losses, [line for line in lines if "seconds" in line], LOSSES)
    losses.set(yscale="log", ylabel="loss, by its weight")
    found = [{"step": line["step"], **line["measured"]} for line in lines if "measured" in line]
    curves(measured, found, {name for line in found for name in line} - {"step"})
    measured.set(xlabel="steps", ylabel="on held-out photos", ylim=(0, 1))
    for axes in (losses, measured):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(options.out, metadata={"Date": None} if options.out.suffix == ".svg" else None)
    return 0


def curves(axes: object, lines: list[dict[str, float]], names: set[str]) -> None:
    """A curve for each name, where the log has it."""
    for name in sorted(names):
        points = [(line["step"], line[name]) for line in lines if name in line]
        if points:
            axes.plot(*zip(*points, strict=True), label=name)  # type: ignore[attr-defined]


if __name__ == "__main__":
    raise SystemExit(main())
