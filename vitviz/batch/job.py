"""What a batch is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from vitviz import __version__
from vitviz.errors import VitvizError
from vitviz.exporting.provenance import Disclosure
from vitviz.imaging.load import MAX_PIXELS
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.said import Said
from vitviz.paths import resolved
from vitviz.session.state import Compare, Session

MapFormat = Literal["none", "jpg", "png", "tiff"]
ValuesFormat = Literal["none", "npz", "npy", "csv"]
FigureFormat = Literal["none", "png", "pdf", "svg", "tiff"]

Settings = dict[str, Any]
"""What results depend on, as JSON; batches with equal settings can be continued."""


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
    """

    map: MapFormat = "jpg"
    values: ValuesFormat = "none"
    figure: FigureFormat = "none"
    side: int = 0
    classes: int = 5
    trust: bool = False


@dataclass(frozen=True)
class Batch:
    """A folder of photos, what to do with them, and where the results go.

    Args:
        folder: Of the photos; folders inside it are looked into as well.
        out: Where the results go; in there the tree of ``folder`` is repeated.
        session: Model, input, view, style and background; its photos do not matter.
        outputs: What is written.
        device: As for ``vitviz.models.loading.choose_device``.
        max_pixels: A photo above this is a failure; None: what memory allows.
        disclosure: What is said of where files come from.
        said: What the user says of the model; None: what was remembered of its file.
        workers: Photos worked on at a time; 0: as many as there are processor cores, at most 8.
    """

    folder: Path
    out: Path
    session: Session
    outputs: Outputs = field(default_factory=Outputs)
    device: str = "auto"
    max_pixels: int | None = MAX_PIXELS
    disclosure: Disclosure = field(default_factory=Disclosure)
    workers: int = 0
    said: Said | None = None

    def settings(self, card: ModelCard, device: str) -> Settings:
        """What the results depend on.

        Args:
            card: Of the loaded model.
            device: Where it runs: "cpu", "cuda:0".
        """
        session = self.session
        settings: Settings = {
            "vitviz": __version__,
            "folder": str(resolved(self.folder)),
            "model": card.id,
            **({"said of the model": list(card.corrected)} if card.corrected else {}),
            "weights": card.sha256,
            "device": device.partition(":")[0],
            "input": asdict(session.input),
            "view": asdict(session.view),
            "background": session.background,
            "outputs": asdict(self.outputs),
            "disclosure": asdict(self.disclosure),
        }
        if (self.outputs.map, self.outputs.figure) != ("none", "none"):
            settings["style"] = asdict(session.style)
        if self.outputs.figure != "none":
            settings["figure"] = asdict(self.choices.figure)
        return settings

    @property
    def choices(self) -> Session:
        """The session without photos and other panes: what every photo has in common."""
        figure = replace(self.session.figure, content="map")
        return replace(
            self.session, photos=(), selected=0, tab="look", compare=Compare(), figure=figure
        )


class BatchStopped(VitvizError):
    """The batch cannot go on now, but can be continued later."""


class BatchRefused(VitvizError):
    """What is asked for exists for no photo: another layer or token than the model has."""


class SettingsChanged(VitvizError):
    """The results that are there were made with other settings.

    Args:
        differences: "view.method was attention and is rollout", one each.
    """

    def __init__(self, message: str, hint: str, differences: tuple[str, ...]) -> None:
        super().__init__(message, hint)
        self.differences = differences
