"""How often the bundled models name a class right, on photos whose folders are called as classes.

    python -m tests.bench.classes caltech101 [--each 20]

Only folders that ImageNet's names have, letter by letter ("electric_guitar"), count; of each as
many photos as ``--each``, in the order of their names. Prints first class right and among five.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import vitviz
from vitviz.imaging.load import photos_in
from vitviz.models.loading import bundled, load_model


def main() -> None:
    """Prints a line for each model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--each", type=int, default=20)
    options = parser.parse_args()
    for card in bundled():
        model, first, five, count = load_model(card.id), 0, 0, 0
        index = {name.lower(): i for i, name in enumerate(card.class_names)}
        for folder in sorted(path for path in options.folder.iterdir() if path.is_dir()):
            wanted = index.get(folder.name.replace("_", " ").lower())
            if wanted is None:
                continue
            for path in sorted(photos_in(folder))[: options.each]:
                logits = vitviz.trace(vitviz.load_photo(path), model).logits
                assert logits is not None
                best = (-logits).argsort()[:5].tolist()
                first, five, count = first + (best[0] == wanted), five + (wanted in best), count + 1
        print(f"{card.title}: {count} photos, first {first / count:.3f}, five {five / count:.3f}")


if __name__ == "__main__":
    main()
