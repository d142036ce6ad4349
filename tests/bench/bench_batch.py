"""What a batch does beside the bare forward pass of the same weights: photos a second.

Run by hand: ``python -m tests.bench.bench_batch`` (all cases, 1,000 photos), or with ``--photos``,
``--folder`` (real photos, instead of generated ones of 640 x 480) and the names of some cases.
Weights are random: time does not depend on them. Nothing is asserted.

The bare pass is ``network(image)``, one photo after another with torch's own number of threads, on
an input that is there already: nothing is read, resized, explained, drawn or written. A second one
shares the processor as the batch does, one photo a thread. Each is measured before and after every
batch, on as many photos as ``--bare`` says. The ratio is the batch's photos a second over theirs:
above 1, the batch is faster. Times include everything from listing the folder to the table, but
not loading the model.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from vitviz.batch.crew import MOST_WORKERS
from vitviz.batch.job import Batch, Outputs
from vitviz.batch.progress import BatchProgress
from vitviz.batch.run import run
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.card import ModelCard, to_json
from vitviz.models.vit.config import vit_config
from vitviz.models.vit.network import VisionTransformer
from vitviz.session.state import Session, View

MODELS = {"DeiT-Tiny": "Ti", "ViT-B/16": "B"}

WAYS = {
    "attention, table": ("attention", Outputs(map="none")),
    "attention, table, JPEG": ("attention", Outputs()),
    "attention, table, JPEG, npz": ("attention", Outputs(values="npz")),
    "rollout, table, JPEG": ("rollout", Outputs()),
    "rollout, table, PNG": ("rollout", Outputs(map="png")),
}


@dataclass(frozen=True)
class Times:
    """Seconds for some photos: on the clock, and of the processor."""

    photos: int
    clock: float
    processor: float

    @property
    def each(self) -> tuple[float, float]:
        return self.clock / self.photos, self.processor / self.photos


def timed(photos: int, work: Callable[[], object]) -> Times:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return Times(photos, time.perf_counter() - clock, time.process_time() - processor)


def generated(folder: Path, count: int) -> Path:
    """Photos of 640 x 480: smooth colours with a little noise, so that JPEG has work to do."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for index in range(count):
        small = rng.integers(0, 256, (12, 16, 3), np.uint8)
        smooth = np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC))
        noisy = smooth.astype(np.int16) + rng.integers(-12, 13, smooth.shape)
        pixels = np.clip(noisy, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:05}.jpg", quality=92)
    return folder


def several(folder: Path, source: Path, count: int) -> Path:
    """So many copies of the photos of a folder."""
    photos = sorted(path for path in source.iterdir() if path.is_file())
    folder.mkdir()
    for index, photo in enumerate(itertools.islice(itertools.cycle(photos), count)):
        shutil.copyfile(photo, folder / f"{index:05}{photo.suffix}")
    return folder


def checkpoint(folder: Path, name: str) -> tuple[Path, VisionTransformer]:
    """A network with random weights, and its file."""
    torch.manual_seed(0)
    config = vit_config(MODELS[name], 16, (224, 224))
    network = VisionTransformer(config).eval().requires_grad_(False)
    path = folder / f"{MODELS[name]}.safetensors"
    save_file(dict(network.state_dict()), path)
    wants = Preprocessing((224, 224), 16, (0.5,) * 3, (0.5,) * 3, edge=256)
    card = ModelCard(path.stem, name, config, wants)
    path.with_suffix(".json").write_text(to_json(card), encoding="utf-8")
    return path, network


def forwards(network: VisionTransformer, count: int) -> None:
    """So many forward passes, one after another."""
    image = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        for _ in range(count):
            network(image).numpy()


def shared(network: VisionTransformer, count: int, workers: int) -> None:
    """So many forward passes, several at a time with one thread each."""

    def work() -> None:
        torch.set_num_threads(1)
        forwards(network, count // workers)

    before = torch.get_num_threads()
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    torch.set_num_threads(before)


@contextmanager
def folder_of_photos(asked: argparse.Namespace, place: Path) -> Iterator[Path]:
    made = place / "photos"
    if asked.folder:
        yield several(made, asked.folder, asked.photos)
    else:
        yield generated(made, asked.photos)


def batch_seconds(photos: Path, out: Path, model: Path, way: str) -> Times:
    method, outputs = WAYS[way]
    session = Session(model=str(model), view=View(method))
    began: list[float] = []

    def report(progress: BatchProgress) -> None:
        if not progress.stage and not began:  # the model is loaded
            began.append(time.process_time())

    summary = run(Batch(photos, out, session, outputs, device="cpu"), report)
    assert not summary.failed, summary.failures[:3]
    return Times(summary.done, summary.seconds, time.process_time() - began[0])


def measure(name: str, asked: argparse.Namespace, place: Path, photos: Path) -> None:
    path, network = checkpoint(place, name)
    workers = min(torch.get_num_threads(), MOST_WORKERS)
    count = max(workers, asked.bare // workers * workers)
    ways = {
        "bare": lambda: forwards(network, count),
        f"bare, {workers} at a time": lambda: shared(network, count, workers),
    }
    for work in ways.values():
        work()
    print(f"\n{name}, {asked.photos} photos, {torch.get_num_threads()} threads")
    print(f"{'way':34}{'ms a photo':>12}{'CPU ms':>9}{'to bare':>9}{'to shared':>11}")
    known: dict[str, list[Times]] = {way: [timed(count, work)] for way, work in ways.items()}
    for number, way in enumerate(asked.ways or WAYS):
        out = place / f"out-{MODELS[name]}-{number}"
        done = batch_seconds(photos, out, path, way)
        for each, work in ways.items():
            known[each].append(timed(count, work))
        # Of the two measurements around this batch, since others may use the machine as well.
        around = [statistics.mean(t.each[0] for t in known[each][-2:]) for each in ways]
        clock, processor = done.each
        print(
            f"{way:34}{1e3 * clock:12.1f}{1e3 * processor:9.1f}"
            f"{around[0] / clock:9.3f}{around[1] / clock:11.3f}",
            flush=True,
        )
        shutil.rmtree(out)
    for each, times in known.items():
        clock, processor = (statistics.median(t.each[i] for t in times) for i in (0, 1))
        print(f"{each:34}{1e3 * clock:12.1f}{1e3 * processor:9.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description="A batch beside the bare forward pass")
    parser.add_argument("models", nargs="*", help=f"of {', '.join(MODELS)}; all if none is named")
    parser.add_argument("--photos", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--folder", type=Path, help="real photos, repeated as often as needed")
    parser.add_argument("--bare", type=int, default=100, help="forwards around each batch")
    parser.add_argument("--way", dest="ways", action="append", choices=WAYS, help="only these")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        with folder_of_photos(asked, place) as photos:
            for model in asked.models or MODELS:
                measure(model, asked, place, photos)


if __name__ == "__main__":
    main()
