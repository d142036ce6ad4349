"""What the monkey opens: photos of several kinds, a checkpoint, sessions; all may vanish."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from tests.samples import save_checkpoint, save_photo
from vitviz.models.loading import bundled
from vitviz.session import session_file
from vitviz.session.state import PhotoRef, Session

SIZES = {"wide.png": (60, 90), "tall.jpg": (300, 170), "strip.png": (12, 700),
         "large.jpg": (900, 1300), "ünï & <b>odd.png": (64, 100)}  # fmt: skip
"""Height and width of the photos."""


class Files:
    """A temporary world of files.

    Args:
        folder: Empty; everything lies in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._safe = folder, folder / "safe"
        self.photos, self.out = folder / "photos", folder / "out"
        for new in (self._safe, self.photos, self.out):
            new.mkdir()
        for seed, (name, size) in enumerate(SIZES.items()):
            save_photo(self.photos / name, seed, size)
        frames = [
            Image.fromarray(np.random.default_rng(i).integers(0, 256, (40, 60, 3), np.uint8))
            for i in range(3)
        ]
        frames[0].save(self.photos / "moving.gif", save_all=True, append_images=frames[1:])
        whole = (self.photos / "tall.jpg").read_bytes()
        (self.photos / "cut.jpg").write_bytes(whole[:200])
        (self.photos / "empty.png").write_bytes(b"")
        self.checkpoint = save_checkpoint(folder / "tiny.safetensors")
        (folder / "no.safetensors").write_bytes(b"\x40" * 90)
        refs = tuple(PhotoRef(str(self.photos / name)) for name in SIZES)
        session_file.save(Session(refs, model=bundled()[0].id), folder / "some.vitviz")
        (folder / "no.vitviz").write_text('{"version": 2, "photos": [')
        for label in ("cats", "dogs"):  # what a fine-tuning takes
            (folder / "classes" / label).mkdir(parents=True)
            for seed in range(3):
                save_photo(folder / "classes" / label / f"{seed}.png", seed)
        shutil.copytree(self.photos, self._safe, dirs_exist_ok=True)
        self._names = sorted(path.name for path in self.photos.iterdir())
        shutil.copyfile(self.checkpoint, self._safe / self.checkpoint.name)

    def some(self, rng: random.Random, kind: str = "any") -> Path:
        """A file or folder; kind: "photo", "model", "session", "folder" or "any"."""
        choices = {
            "photo": [self.photos / name for name in self._names],
            "model": [self.checkpoint, self.folder / "no.safetensors"],
            "session": [self.folder / "some.vitviz", self.folder / "no.vitviz"],
            "folder": [self.photos, self.folder / "classes", self.folder / "nowhere"],
        }
        if kind == "any":
            kind = rng.choice(("photo", "photo", "photo", "model", "session", "folder"))
        return rng.choice(choices[kind])

    def change(self, rng: random.Random) -> str:
        """A file goes, becomes a photo, or is what it was; what happened, in words."""
        path = self.some(rng, "photo") if rng.random() < 0.9 else self.checkpoint
        how = rng.choice(("gone", "replaced", "back", "back"))
        if how == "gone":
            path.unlink(missing_ok=True)
        elif how == "replaced":
            shutil.copyfile(self._safe / rng.choice(sorted(SIZES)), path)
        else:
            shutil.copyfile(self._safe / path.name, path)
        return f"{path.name} {how}"
