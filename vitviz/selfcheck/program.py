"""Checks of the program as a whole: it writes maps, and opens its window.

They catch what arithmetic does not: a file left out of a program folder, or a library that the
window needs and this computer lacks.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.errors import VitvizError
from vitviz.exporting.map_files import write_map
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled
from vitviz.selfcheck.numbers import Outcome
from vitviz.session.state import PhotoRef, Session, View

WINDOW_SECONDS = 180
"""How long the window may take; it gives up by itself before."""

LEAST_COLOURS = 1000
"""A picture of a window with a photo and a map has tens of thousands; an empty window few."""


def program_outcomes() -> Iterator[Outcome]:
    """Every check, made when it is asked for; a check that breaks has failed, and others go on."""
    checks: tuple[tuple[str, Callable[[Path], str]], ...] = (
        ("a map is written and read back", check_map),
        ("the window opens on a photo, offscreen", check_window),
    )
    for name, check in checks:
        with tempfile.TemporaryDirectory(prefix="vitviz-check-") as folder:
            try:
                yield Outcome(name, True, check(Path(folder)))
            except Exception as problem:
                words = problem.message if isinstance(problem, VitvizError) else repr(problem)
                yield Outcome(name, False, words)


def check_map(folder: Path) -> str:
    """Explains a sample photo as ``vitviz explain`` does, and compares what the files hold.

    Args:
        folder: For the files; is there.

    Returns:
        What they hold.

    Raises:
        VitvizError: They hold something else, or cannot be written.
    """
    photo_ref = PhotoRef(str(sample_photos()[0]))
    session = Session(photos=(photo_ref,), model=bundled()[0].id, view=View("rollout"))
    (request,) = plan(session, "cpu")
    engine = Engine()
    cell = engine.answer(request)
    photo = engine.photos.get(request.photo, request.background)
    for name in ("map.png", "map.npy"):
        write_map(folder / name, photo, cell, session)
    values = np.load(folder / "map.npy", allow_pickle=False)
    if not np.array_equal(values, cell.heat_map(session.view).values):
        raise VitvizError("The values read back are not those written.")
    with Image.open(folder / "map.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    if pixels.shape != photo.pixels.shape or np.array_equal(pixels, photo.pixels):
        raise VitvizError("The picture read back is not the photo with a map over it.")
    rows, cols = values.shape
    return f"{rows} x {cols} patches over {photo.size[1]} x {photo.size[0]} pixels"


def check_window(folder: Path) -> str:
    """Starts this program once more, with a sample photo and without a screen, for a screenshot.

    Args:
        folder: For the picture; is there.

    Returns:
        Its size, and how many colours it has.

    Raises:
        VitvizError: There is none, or nothing to see in it.
    """
    path = folder / "window.png"
    command = [*own_command(), "--screenshot", str(path), str(sample_photos()[0])]
    # A program folder would otherwise take itself for a part of this process.
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "PYINSTALLER_RESET_ENVIRONMENT": "1",
    }
    try:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            timeout=WINDOW_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise VitvizError(f"The window did not end within {WINDOW_SECONDS} s.") from error
    said = done.stderr.decode(errors="replace").strip()
    if done.returncode or not path.is_file():
        last = " ".join(said.splitlines()[-3:])
        raise VitvizError(f"It ended with exit code {done.returncode}. {last}".strip())
    return picture_facts(path)


def picture_facts(path: Path) -> str:
    """The size of a picture, and how many colours it has.

    Raises:
        VitvizError: Too few for a window with a photo in it.
    """
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).astype(np.int64)
    height, width, _ = pixels.shape
    colours = np.unique(pixels @ np.array([1 << 16, 1 << 8, 1])).size
    if colours < LEAST_COLOURS:
        raise VitvizError(f"The picture of the window has only {colours} colours.")
    return f"{width} x {height} pixels, {colours} colours"


def own_command() -> list[str]:
    """The command that starts this program once more."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    return [sys.executable, "-m", "vitviz"]
