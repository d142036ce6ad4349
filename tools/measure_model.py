"""Measures how like its teacher a student is, on photos that it was not trained on.

    python tools/measure_model.py STUDENT TEACHER --held-out training training_64px.zip \
        --photos masked/images --masks masked/masks

For the held-out tenth of the training photos (as ``vitviz train distil`` holds it out) and for a
folder of photos: how often the first class of both is the same, how often the teacher's is among
the student's first five, and Spearman's rank correlation of both models' maps (attention rollout,
and the CLS row of the last layer), a mean over photos. With masks also the pointing game on the
largest thing: how often the middle of the patch where a map is highest lies on it, of both models,
of the middle of the input, and of a random place in it.

A mask is a PNG of its photo's size and name with a category's number in each pixel; numbers 1 to
90 are things (COCO). Photos without a thing in the model's input are left out of the game.

Source: pointing game, Zhang et al., "Top-down Neural Attention by Excitation Backprop", arXiv
1608.00507, without its tolerance of 15 pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from vitviz.api import explain, load_photo, trace
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.load import photos_in
from vitviz.imaging.photo import Photo
from vitviz.models.loading import Model, load_model
from vitviz.training.distil.run import split
from vitviz.training.photos import find_photos, open_photos

MAPS = ("rollout", "attention")
THINGS = range(1, 91)


@dataclass
class Tally:
    """What was counted so far; a list has a number a photo."""

    same: list[bool] = field(default_factory=list)
    among: list[bool] = field(default_factory=list)
    alike: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MAPS})
    hits: dict[str, list[float]] = field(default_factory=dict)

    def means(self) -> dict[str, object]:
        """The measurements."""
        result: dict[str, object] = {
            "photos": len(self.same),
            "first class as the teacher's": mean(self.same),
            "teacher's first class among five": mean(self.among),
            **{f"rank correlation, {name}": mean(rho) for name, rho in self.alike.items()},
        }
        if self.hits:
            game = {name: mean(hits) for name, hits in self.hits.items()}
            result["pointing game"] = {"photos": len(self.hits["centre"]), **game}
        return result


def main() -> int:
    """Measures, and prints a JSON object."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("student")
    parser.add_argument("teacher")
    parser.add_argument("--held-out", nargs="+", type=Path, default=[], metavar="PHOTOS")
    parser.add_argument("--photos", type=Path, metavar="FOLDER")
    parser.add_argument("--masks", type=Path, metavar="FOLDER")
    parser.add_argument("--most", type=int, default=10**9, help="of the held-out photos")
    options = parser.parse_args()
    student, teacher = load_model(options.student, "cpu"), load_model(options.teacher, "cpu")
    result: dict[str, object] = {"student": student.card.sha256, "teacher": teacher.card.sha256}
    if options.held_out:
        _, held_out = split(open_photos(find_photos(options.held_out)))
        photos = ((kept.opened, None) for kept in held_out[: options.most])
        result["held out"] = measure(student, teacher, photos)
    if options.photos:
        pairs = ((load_photo(p), mask_of(p, options.masks)) for p in photos_in(options.photos))
        result["photos"] = measure(student, teacher, pairs)
    print(json.dumps(result, indent=2))
    return 0


def mask_of(photo: Path, folder: Path | None) -> Path | None:
    """The mask of a photo, if there is one."""
    mask = folder / f"{photo.stem}.png" if folder else None
    return mask if mask and mask.exists() else None


def measure(
    student: Model, teacher: Model, photos: Iterable[tuple[Photo, Path | None]]
) -> dict[str, object]:
    """Everything, over photos with or without a mask."""
    tally, random = Tally(), np.random.default_rng(0)
    for number, (photo, mask) in enumerate(photos):
        one(tally, student, teacher, photo, mask, random)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number + 1} photos")
    return tally.means()


def one(
    tally: Tally,
    student: Model,
    teacher: Model,
    photo: Photo,
    mask: Path | None,
    random: np.random.Generator,
) -> None:
    """Adds a photo to the tally."""
    traces = {"student": trace(photo, student), "teacher": trace(photo, teacher)}
    logits = {who: np.asarray(seen.logits) for who, seen in traces.items()}
    wanted = logits["teacher"].argmax()
    best = logits["student"].argsort()[::-1][:5]
    tally.same.append(bool(best[0] == wanted))
    tally.among.append(bool(wanted in best))
    maps = {
        (who, name): np.asarray(explain(seen, name).values, np.float64)
        for who, seen in traces.items()
        for name in MAPS
    }
    for name in MAPS:
        tally.alike[name].append(spearman(maps["student", name], maps["teacher", name]))
    geometry = traces["student"].geometry
    thing = largest_thing(mask, geometry) if mask else None
    if thing is None:
        return
    for (who, name), values in maps.items():
        hit(tally, f"{who} {name}", thing, peak(values, geometry))
    left, top, right, bottom = geometry.seen
    hit(tally, "centre", thing, ((left + right) / 2, (top + bottom) / 2))
    places = random.uniform((left, top), (right, bottom), (200, 2))
    chance = float(np.mean([thing[pixel(place, thing)] for place in places]))
    tally.hits.setdefault("random", []).append(chance)


def hit(tally: Tally, who: str, thing: np.ndarray, place: tuple[float, float]) -> None:
    """Notes whether a place, in photo pixels, is on the thing."""
    tally.hits.setdefault(who, []).append(float(thing[pixel(place, thing)]))


def pixel(place: Sequence[float], thing: np.ndarray) -> tuple[int, int]:
    """The row and column of the pixel at a place (x, y)."""
    height, width = thing.shape
    return min(max(int(place[1]), 0), height - 1), min(max(int(place[0]), 0), width - 1)


def peak(values: np.ndarray, geometry: Geometry) -> tuple[float, float]:
    """The middle of the patch with the highest value, in photo pixels."""
    row, col = np.unravel_index(values.argmax(), values.shape)
    left, top, right, bottom = geometry.patch_box(int(row), int(col))
    return (left + right) / 2, (top + bottom) / 2


def largest_thing(mask: Path, geometry: Geometry) -> np.ndarray | None:
    """Where the thing is that covers most of the model's input; None if there is none."""
    with Image.open(mask) as image:
        categories = np.asarray(image)
    left, top, right, bottom = (round(edge) for edge in geometry.seen)
    seen = categories[max(top, 0) : bottom, max(left, 0) : right]
    numbers, counts = np.unique(seen, return_counts=True)
    things = {int(n): int(c) for n, c in zip(numbers, counts, strict=True) if n in THINGS}
    if not things:
        return None
    found: np.ndarray = categories == max(things, key=lambda number: things[number])
    return found


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """The rank correlation of two maps; patches of equal value share a rank."""
    return float(np.corrcoef(ranks(one.ravel()), ranks(other.ravel()))[0, 1])


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0; equal values have the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = counts.cumsum()
    result: np.ndarray = (ends - (counts + 1) / 2)[inverse]
    return result


def mean(values: Sequence[float]) -> float:
    """Rounded to what the number of photos allows."""
    return round(float(np.mean(values)), 3)


if __name__ == "__main__":
    raise SystemExit(main())
