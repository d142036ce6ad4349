"""Ranks every method on photos with masks, and writes the table of docs/trust.md.

    python -m tests.bench.rank_methods [--data FOLDER] [--photos N] [--write]

FOLDER is the team's data folder. Each photo takes minutes; what is done is kept beside the system's
temporary files (``--keep FILE``), and the same command goes on where it was ended. With ``--photos
0`` nothing is measured, and what is there is told. ``--write`` puts the tables into docs/trust.md.

A photo's class is the one that the model holds for the most probable; its mask is the largest thing
of the photo (COCO's categories 1 to 90). A photo counts for a mask only where that is between 2 and
80 % of what the model saw. Time is that of the method over a bare forward, both as the engine
measured them: on a busy computer it says little.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from tests.conftest import SHARED
from vitviz import __version__
from vitviz.engine.answers import Ranking
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.engine.requests import RankRequest
from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.session.state import PhotoRef, Session, View
from vitviz.trust.many import Mean, mean_of, ratio_of

MODELS = {
    "DeiT-Tiny": "deit_tiny_patch16_224.pth",
    "EfficientNet-Lite0": "efficientnet_lite0.safetensors",
}
THINGS = range(1, 91)
LEAST_SHARE, MOST_SHARE = 0.02, 0.8
PAGE = Path(__file__).resolve().parents[2] / "docs" / "trust.md"
KEEP = Path(tempfile.gettempdir()) / "vitviz-rank-methods.jsonl"
ORDERS = 20
"""At random, for each photo: the gain needs none, since theirs is zero on average."""

BEGIN, END = "<!-- rank_methods: begin -->", "<!-- rank_methods: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=SHARED / "data")
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--models", nargs="*", choices=tuple(MODELS), default=list(MODELS))
    parser.add_argument("--keep", type=Path, default=KEEP)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    photos = sorted((options.data / "photos" / "masked" / "images").glob("*.jpg"))
    photos = photos[: options.photos]
    for name in options.models:
        try:
            measure(name, photos, options.data, options.keep)
        except VitvizError as error:
            print(f"{name}: {error}")
    tables = [table(name, options.keep) for name in options.models]
    text = "\n\n".join(filter(None, tables))
    print(text)
    if options.write:
        write(text)


def known(keep: Path) -> list[dict]:
    return [json.loads(line) for line in keep.read_text("utf-8").splitlines()] if (
        keep.exists()) else []  # fmt: skip


def measure(name: str, photos: list[Path], data: Path, keep: Path) -> None:
    """Adds what is not there yet: a line for each model, photo and method."""
    engine = Engine()
    checkpoint = str(data / "checkpoints" / MODELS[name])
    outline = engine.model(checkpoint, "cpu").card.outline
    methods = [m for m in METHODS if METHODS[m].fits(outline)]
    there = {(row["model"], row["photo"], row["method"]) for row in known(keep)}
    for number, photo in enumerate(photos, 1):
        missing = [m for m in methods if (name, photo.stem, m) not in there]
        if not missing:
            continue
        for group in grids(engine, photo, checkpoint, missing):
            rows = judged(engine, photo, checkpoint, group, data, name)
            fresh = [row for row in rows if (name, photo.stem, row["method"]) not in there]
            with keep.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in fresh)
            there |= {(name, photo.stem, row["method"]) for row in fresh}
        engine.forget()
        engine.model(checkpoint, "cpu")
        print(f"{name}: {number} of {len(photos)}", flush=True)


def grids(engine: Engine, photo: Path, checkpoint: str, methods: list[str]) -> list[list[str]]:
    """Methods whose maps can be made; each group has the grid that its baselines are on."""
    groups: dict[tuple[int, int], list[str]] = defaultdict(list)
    for method in methods:
        try:
            cell = engine.answer(request_of(photo, checkpoint, method))
        except VitvizError as error:
            print(f"{photo.stem}, {method}: {error}", flush=True)
            continue
        heat_map = cell.explanation.map(-1, "mean")
        if heat_map.quantity.kind != "colours":
            groups[heat_map.geometry.grid].append(method)
    return list(groups.values())


def request_of(photo: Path, checkpoint: str, method: str):
    session = Session((PhotoRef(str(photo)),), model=checkpoint, view=View(method))
    (request,) = plan(session, "cpu")
    return request


def judged(
    engine: Engine, photo: Path, checkpoint: str, methods: list[str], data: Path, model: str
) -> list[dict]:
    explains = tuple(request_of(photo, checkpoint, method) for method in methods)
    with tempfile.TemporaryDirectory() as folder:
        mask = largest_thing(data, photo.stem, Path(folder))
        try:
            ranking = engine.answer(RankRequest(explains, str(mask or ""), orders=ORDERS))
        except VitvizError:
            if mask is None:
                raise
            ranking = engine.answer(RankRequest(explains, orders=ORDERS))
    return [row_of(ranking, index, photo, model) for index in range(len(ranking.rows))]


def largest_thing(data: Path, stem: str, folder: Path) -> Path | None:
    with Image.open(data / "photos" / "masked" / "masks" / f"{stem}.png") as image:
        ids = np.asarray(image)
    counts = {int(i): int((ids == i).sum()) for i in np.unique(ids) if int(i) in THINGS}
    if not counts:
        return None
    largest = max(counts, key=lambda i: counts[i])
    path = folder / "mask.png"
    Image.fromarray((ids == largest).astype(np.uint8) * 255).save(path)
    return path


def row_of(ranking: Ranking, index: int, photo: Path, model: str) -> dict:
    ranked = ranking.rows[index]
    found, place = ranked.judgement, ranked.place
    if place is not None and not LEAST_SHARE <= place.share <= MOST_SHARE:
        place = None
    own = index < len(ranking.method_s)
    return {
        "model": model, "photo": photo.stem, "method": ranked.name, "vitviz": __version__,
        "class": ranking.target_name, "removal": ranking.removal, "gain": found.gain,
        "best": found.references.best.gain, "beaten": found.beaten, "verdict": found.verdict,
        "saco": found.saco, "rank": found.rank,
        "pointing": None if place is None else float(place.pointing),
        "energy": None if place is None else place.energy,
        "share": None if place is None else place.share,
        "method_s": ranking.method_s[index] if own else None,
        "forward_s": ranking.forward_s,
        "grid": list(found.references.leave_one_out.shape),
    }  # fmt: skip


def table(model: str, keep: Path) -> str:
    """One model's table, the greatest normalised gain first."""
    by_method: dict[str, list[dict]] = defaultdict(list)
    for row in known(keep):
        if row["model"] == model:
            by_method[row["method"]].append(row)
    if not by_method:
        return ""
    photos = {row["photo"] for rows in by_method.values() for row in rows}
    reached = {
        method: ratio_of([row["gain"] for row in rows], [row["best"] for row in rows])
        for method, rows in by_method.items()
    }
    lines = [
        f"**{model}**, {len(photos)} photos:",
        "",
        "| map | normalised gain (95 %) | better than chance | SaCo (95 %) | pointing | energy "
        "inside | time over a forward |",
        "|---|---|---|---|---|---|---|",
    ]
    for method in sorted(by_method, key=lambda m: -reached[m].value):
        lines.append(line(method, by_method[method], reached[method]))
    share = [row["share"] for row in by_method["random"] if row["share"] is not None]
    if share:
        lines += ["", f"The masks are {100 * np.mean(share):.0f} % of what the model saw, on "
                  f"{len(share)} photos."]  # fmt: skip
    return "\n".join(lines)


def line(method: str, rows: list[dict], reached: Mean) -> str:
    better = sum(row["verdict"] == "better" for row in rows)
    hits = mean_of([row["pointing"] for row in rows if row["pointing"] is not None])
    energy = mean_of([row["energy"] for row in rows if row["energy"] is not None])
    saco = mean_of([row["saco"] for row in rows if row["saco"] is not None])
    times = [1 + row["method_s"] / row["forward_s"] for row in rows if row["method_s"]]
    name = METHODS[method].title if method in METHODS else f"*{method}*"
    return (
        f"| {name} | {interval(reached)} | {100 * better / len(rows):.0f} % | {interval(saco)} | "
        f"{percent(hits)} | {percent(energy)} | {f'{median(times):.1f}' if times else ''} |"
    )


def interval(mean: Mean) -> str:
    if math.isnan(mean.value):
        return "–"
    return f"{mean.value:.2f} ({mean.low:.2f} to {mean.high:.2f})"


def percent(mean: Mean) -> str:
    return "–" if math.isnan(mean.value) else f"{100 * mean.value:.0f} %"


def write(text: str) -> None:
    page = PAGE.read_text("utf-8")
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
