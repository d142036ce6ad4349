"""vitviz from a script or notebook: the window beside it, and maps that show themselves in it.

The window runs in a process of its own: it needs the main thread, and whoever calls may have a Qt
program, a notebook's loop or nothing there already.
"""

from __future__ import annotations

import atexit
import base64
import html
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from vitviz.bundled import resource
from vitviz.errors import VitvizError
from vitviz.imaging.load import load
from vitviz.imaging.photo import Photo
from vitviz.imaging.samples import sample_photos
from vitviz.maps.heat_map import HeatMap
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look
from vitviz.maps.style import Style
from vitviz.maps.ticks import number
from vitviz.models.card import from_json
from vitviz.models.hub_names import resolve
from vitviz.models.loading import bundled
from vitviz.shapes import UInt8
from vitviz.wording.names import head_name, layer_name, prefix_name

if TYPE_CHECKING:
    from torch import nn

    from vitviz.models.loading import Model

Picture = str | Path | Photo | np.ndarray | Image.Image
"""A photo: its file, what ``load_photo`` gave, pixels (height x width x 3, uint8), or Pillow's."""

EDGE = 480
"""Longer side of a map in a notebook, in pixels."""

GREY = 128
"""Where the map has no photo with it."""

FAILS_WITHIN_S = 3.0
"""A window that cannot be opened has ended by then."""

ERRORS = "errors.txt"
"""What the window's process says; a pipe that nobody reads would hold it."""

PREFIX = "vitviz-view-"
"""Of the folders that models of Python are put into for a window."""


@dataclass(frozen=True, eq=False)
class ShownMap(HeatMap):
    """A map that shows itself where a notebook prints it.

    Args:
        photo: That it is of, if it is known.
    """

    photo: Photo | None = field(default=None, repr=False)

    def pixels(self) -> UInt8[np.ndarray, "height width 3"]:
        """The map over its photo, ``EDGE`` pixels long."""
        height, width = self.geometry.photo_size
        scale = min(1.0, EDGE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        if self.photo is None:
            photo = np.full((size[1], size[0], 3), GREY, np.uint8)
        else:
            photo = np.asarray(Image.fromarray(self.photo.pixels).resize(size))
        style = Style() if self.photo is not None else replace(Style(), opacity=1.0, fade=False)
        return drawn(photo, self, look(style, self))

    def _repr_png_(self) -> bytes:
        """What IPython shows."""
        written = io.BytesIO()
        Image.fromarray(self.pixels()).save(written, "PNG")
        return written.getvalue()

    def _repr_html_(self) -> str:
        """What IPython shows where it can show more: the map and what its colours stand for."""
        picture = base64.b64encode(self._repr_png_()).decode("ascii")
        words = html.escape(self.caption())
        return (
            f'<figure style="margin:0"><img alt="{words}" src="data:image/png;base64,{picture}">'
            f"<figcaption>{words}</figcaption></figure>"
        )

    def caption(self) -> str:
        """ "attention of layer 12, mean of heads: 0.0012 to 0.034; 20 % went to CLS"."""
        words = f"{self.unit}, {layer_name(self.layer)}, {head_name(self.head)}"
        if self.quantity.kind != "colours":
            low, high = float(np.nanmin(self.values)), float(np.nanmax(self.values))
            words += f": {number(low)} to {number(high)}"
        gone = [f"{share:.0%} went to {prefix_name(name)}" for name, share in self.prefix_share]
        return "; ".join([words, *gone])


def shown(heat_map: HeatMap, photo: Photo | None) -> ShownMap:
    """The map as one that shows itself."""
    values = {one.name: getattr(heat_map, one.name) for one in fields(HeatMap)}
    return ShownMap(**values, photo=photo)


class View:
    """A window that was opened from Python.

    Args:
        process: In which it runs.
        folder: Of what was written for it, which goes with it.
    """

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process, self._folder = process, folder
        self._errors = ""
        atexit.register(self._tidy)

    def __repr__(self) -> str:
        return f"<vitviz window, {'open' if self.is_open else 'closed'}>"

    @property
    def is_open(self) -> bool:
        """Whether the user has not closed it yet."""
        return self._process.poll() is None

    def wait(self) -> None:
        """Waits until it is closed.

        Raises:
            VitvizError: It could not be opened.
        """
        self._process.wait()
        self.check()

    def close(self) -> None:
        """Closes it."""
        self._process.terminate()
        self._process.wait()
        self._tidy()

    def check(self) -> None:
        """Raises what it said when it could not be opened.

        Raises:
            VitvizError: It ended with an error.
        """
        code = self._process.poll()
        self._tidy()
        if code is not None and code > 0:
            lines = [line.strip() for line in self._errors.splitlines() if line.strip()]
            if not lines or lines[0].startswith("Traceback"):
                lines = [lines[-1] if lines else f"it ended with code {code}"]
            said = lines[0].removeprefix("vitviz: ")
            raise VitvizError(f"The window could not be opened: {said}", " ".join(lines[1:4]))

    def _tidy(self) -> None:
        if not self.is_open and self._folder.exists():
            self._errors = (self._folder / ERRORS).read_text(encoding="utf-8", errors="replace")
            shutil.rmtree(self._folder, ignore_errors=True)
            atexit.unregister(self._tidy)


def view(
    model: nn.Module | Model | str | Path | None = None,
    photos: Picture | Iterable[Picture] = (),
    *,
    preprocessing: object = None,
    block: bool | None = None,
    arguments: tuple[str, ...] = (),
) -> View:
    """Opens the window on a model and photos.

    A live model is compared first: it is shown only if vitviz computes the same (see
    ``load_model``). What is open last time is not touched.

    Args:
        model: As for ``load_model``, or what it gave; None: the bundled one.
        photos: One, or several; none: the sample photos.
        preprocessing: As for ``load_model``.
        block: Wait until the window is closed. None: in a script, which would end else; not at a
            prompt or in a notebook.
        arguments: More for the window's command line: ``("--screenshot", "window.png")``.

    Returns:
        The window; ``wait`` and ``close`` are its methods.

    Raises:
        CheckpointError: The model cannot be shown, or vitviz computes something else.
        PhotoError: A photo cannot be opened.
        VitvizError: There is no screen.
    """
    _remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        files = _files(photos, folder)
        weights = _weights(model, folder, files, preprocessing)
        command = [sys.executable, "-m", "vitviz", "--once", *arguments, "--", *weights, *files]
        with (folder / ERRORS).open("w", encoding="utf-8") as errors:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / "process").write_text(str(process.pid), encoding="ascii")
    opened = View(process, folder)
    if block is None:
        block = not _at_a_prompt()
    if block:
        opened.wait()
        return opened
    end = time.monotonic() + FAILS_WITHIN_S
    while opened.is_open and time.monotonic() < end:
        time.sleep(0.05)
    opened.check()
    return opened


def _weights(
    model: nn.Module | Model | str | Path | None, folder: Path, photos: list[str],
    preprocessing: object,
) -> list[str]:  # fmt: skip
    """What the window is to open; nothing for the one that it opens by itself."""
    if model is None or model == bundled()[0].id:
        return []
    if isinstance(model, str | Path):
        files = {from_json(path.read_text("utf-8")).id: path.with_suffix(".safetensors")
                 for path in resource("models").glob("*.json")}  # fmt: skip
        return [str(files.get(str(model)) or resolve(str(model)))]
    from vitviz.models.loading import Model
    from vitviz.models.objects.loading import save_model, save_object

    if isinstance(model, Model):
        return [str(save_model(model, folder))]
    photo = load(photos[0] if photos else sample_photos()[0])
    _, weights = save_object(model, photo, folder, device="cpu", preprocessing=preprocessing)
    return [str(weights)]


def _files(photos: Picture | Iterable[Picture], folder: Path) -> list[str]:
    """Photos as files: those that are none yet are written."""
    if isinstance(photos, str | Path | Photo | np.ndarray | Image.Image):
        photos = [photos]
    return [_file(photo, folder / f"photo {at}.png") for at, photo in enumerate(photos, 1)]


def _file(photo: Picture, otherwise: Path) -> str:
    """The file of a photo; what has none is written."""
    if isinstance(photo, Photo):
        photo = photo.pixels if photo.path is None else photo.path
    if isinstance(photo, str | Path):
        load(photo)  # refused here rather than there
        return str(Path(photo).absolute())
    image = photo if isinstance(photo, Image.Image) else _image(photo)
    image.convert("RGB").save(otherwise)
    return str(otherwise)


def _image(pixels: np.ndarray) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3):
        raise VitvizError(
            f"An array of {pixels.dtype} with the shape {pixels.shape} is no photo.",
            "Give height x width x 3 numbers of uint8, 0 to 255.",
        )
    return Image.fromarray(pixels)


def _at_a_prompt() -> bool:
    """Whether Python goes on after this call without the caller: a prompt, or a notebook."""
    ipython = sys.modules.get("IPython")
    return hasattr(sys, "ps1") or (ipython is not None and ipython.get_ipython() is not None)


def _remove_left_over() -> None:
    """Removes folders of windows whose Python has ended before them."""
    import psutil

    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            process = int((folder / "process").read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
        if not psutil.pid_exists(process):
            shutil.rmtree(folder, ignore_errors=True)
