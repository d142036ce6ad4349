"""The work that is done on each photo, as JSON: what a cluster is given instead of a window.

A spec names the model and the SHA-256 of its weights, so that no worker computes with another one;
where the photos are and where the results go stands in the command that uses it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Literal

from vitviz.errors import VitvizError
from vitviz.exporting.provenance import Disclosure
from vitviz.figures.spec import FigureSpec
from vitviz.imaging.load import MAX_PIXELS
from vitviz.imaging.preprocess import InputChoice
from vitviz.maps.style import Style
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.corrections import read_words
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.paths import absolute, is_elsewhere, is_something_else, is_there
from vitviz.reading import Within, parse, typed
from vitviz.session.session_file import checked
from vitviz.session.state import Byte, Compare, Session, View
from vitviz.writing import write_whole

FORMAT = "vitviz work"
VERSION = 1

LARGEST = 4 << 20
"""Bytes; names of classes are what may be long."""

CHOOSE = "Write it with vitviz batch ... --write-spec FILE, or in the window's batch dialog."

MapFormat = Literal["none", "jpg", "png", "tiff"]
ValuesFormat = Literal["none", "npz", "npy", "csv"]
FigureFormat = Literal["none", "png", "pdf", "svg", "tiff"]

Words = Annotated[tuple[Annotated[str, Within(3, 5000)], ...], Within(0, 100)]
Names = Annotated[tuple[Annotated[str, Within(0, 500)], ...], Within(0, 30_000)]


@dataclass(frozen=True)
class Outputs:
    """What is written for each photo, beside its row in the table.

    Args:
        map: The map over the photo, as this kind of image. JPEG takes a fifteenth of the time of
            PNG.
        values: The map's raw values.
        figure: The map as a figure: with colour bar, heading and caption.
        side: Longer side of the image with the map in pixels, at most; 0 is the photo's own.
        classes: How many of the most probable classes stand in the table.
        trust: The table also says whether each map is better than chance, which takes hundreds of
            forwards for each photo.
        maps: The table also holds the map itself, as a list of float16.
    """

    map: MapFormat = "jpg"
    values: ValuesFormat = "none"
    figure: FigureFormat = "none"
    side: Annotated[int, Within(0, 1 << 20)] = 0
    classes: Annotated[int, Within(0, 100)] = 5
    trust: bool = False
    maps: bool = False

    @property
    def has_files(self) -> bool:
        """Whether anything is written beside the table."""
        return (self.map, self.values, self.figure) != ("none",) * 3


@dataclass(frozen=True)
class WorkSpec:
    """What is done on each photo.

    Args:
        model: Id of a bundled model, or path of a checkpoint.
        sha256: Of its weights; "" takes whatever is there.
        said: What is said of the model beside its file, as ``--set-model`` takes it. What the
            computer that does the work remembers of the file is not asked.
        names: Of its classes, where they were said.
        input: What the model is given.
        view: The method and its settings, layer, head, query, and which class it is about.
        background: RGB behind transparent photos.
        style: How maps over photos look.
        figure: How figures look.
        outputs: What comes of each photo.
        max_pixels: A photo above this is a failure; None: what memory allows.
        disclosure: What files say of where they come from.
    """

    model: str
    sha256: Annotated[str, Within(0, 64)] = ""
    said: Words = ()
    names: Names = ()
    input: InputChoice = field(default_factory=InputChoice)
    view: View = field(default_factory=View)
    background: tuple[Byte, Byte, Byte] = (255, 255, 255)
    style: Style = field(default_factory=Style)
    figure: FigureSpec = field(default_factory=FigureSpec)
    outputs: Outputs = field(default_factory=Outputs)
    max_pixels: Annotated[int, Within(1, 1 << 40)] | None = MAX_PIXELS
    disclosure: Disclosure = field(default_factory=Disclosure)

    @property
    def session(self) -> Session:
        """The choices that every photo has in common."""
        figure = replace(self.figure, content="map")
        return Session(
            model=self.model, input=self.input, view=self.view, style=self.style,
            background=self.background, compare=Compare(), figure=figure,
        )  # fmt: skip

    @property
    def corrections(self) -> Said:
        """What is said of the model; raises as ``read_words``."""
        said = read_words(self.said, self.names)
        return NOT_SAID if said.is_nothing else said

    def of_model(self, card: ModelCard) -> WorkSpec:
        """For other computers: with the hash of the weights, and their place from the root."""
        there = is_there(self.model)
        model = str(absolute(self.model)) if there else self.model
        return replace(self, model=model, sha256=card.sha256)

    def check(self, card: ModelCard) -> None:
        """Refuses another model than the one that the work is to be done with.

        Raises:
            VitvizError: It is another.
        """
        if self.sha256 and card.sha256 != self.sha256:
            raise VitvizError(
                f"The work is to be done with weights whose SHA-256 begins with "
                f"{self.sha256[:12]}; those of {self.model} begin with {card.sha256[:12]}.",
                "Copy the right checkpoint there, name it with --model, or write the work spec "
                "anew with this one.",
            )


def to_json(spec: WorkSpec) -> str:
    """The spec as text; ``from_json`` gives an equal one back."""
    return json.dumps({FORMAT: VERSION, **asdict(spec)}, indent=1) + "\n"


def from_json(text: str) -> WorkSpec:
    """The spec that ``to_json`` wrote.

    Raises:
        VitvizError: It is no spec, or one of another version, or holds nonsense.
    """
    try:
        data = parse(text, LARGEST)
        version = data.pop(FORMAT, None) if isinstance(data, dict) else None
        if type(version) is not int:
            raise ValueError(f'it has no field "{FORMAT}"')
        if version != VERSION:
            raise ValueError(f"it has version {version}, and this vitviz reads {VERSION}")
        spec = typed(WorkSpec, data)
        if any(word.startswith("names=") for word in spec.said):
            raise ValueError("names of classes stand in its names, not in another file")
        if any(is_elsewhere(ref.path) for ref in spec.view.reference):
            raise ValueError("it refers to photos on another computer")
        _ = spec.corrections
        return replace(spec, view=checked(spec.session).view)
    except (ValueError, VitvizError) as error:
        why = error.message.removesuffix(".") if isinstance(error, VitvizError) else str(error)
        raise VitvizError(f"This is not a work spec of vitviz ({why[:200]}).", CHOOSE) from error


def save(spec: WorkSpec, path: Path) -> None:
    """Writes a spec.

    Raises:
        VitvizError: It cannot be written.
    """
    write_whole(path, to_json(spec).encode("utf-8", "backslashreplace"))


def read(path: Path | str) -> WorkSpec:
    """The spec in a file.

    Raises:
        VitvizError: It cannot be read, or is none.
    """
    path = Path(path)
    if is_something_else(path):  # reading from a pipe would wait for ever
        raise VitvizError(f"{path.name} is not a file.", CHOOSE)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        return from_json(content.decode())
    except UnicodeDecodeError as error:
        raise VitvizError(f"{path.name} is not a work spec of vitviz.", CHOOSE) from error
    except (OSError, ValueError) as error:
        raise VitvizError(
            f"{path.name} cannot be read: {getattr(error, 'strerror', None) or error}.", CHOOSE
        ) from error
