"""What a batch is asked to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from vitviz import __version__
from vitviz.batch.shards import WHOLE, Shard
from vitviz.batch.spec import FigureFormat, MapFormat, Outputs, ValuesFormat, WorkSpec
from vitviz.errors import VitvizError
from vitviz.exporting.provenance import Disclosure
from vitviz.imaging.load import MAX_PIXELS
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.corrections import words_of
from vitviz.models.checkpoints.said import Said
from vitviz.models.loading import remembered_of
from vitviz.paths import resolved
from vitviz.session.state import Session

__all__ = [
    "Batch", "BatchRefused", "BatchStopped", "Columns", "FigureFormat", "MapFormat", "Outputs",
    "Settings", "SettingsChanged", "ValuesFormat",
]  # fmt: skip

Settings = dict[str, Any]
"""What results depend on, as JSON; batches with equal settings can be continued."""


@dataclass(frozen=True)
class Columns:
    """Which columns of a Parquet file are what.

    Args:
        image: The files' bytes; "": "image", or the only one that holds bytes.
        key: What each photo is called; "": the number of its row.
    """

    image: str = ""
    key: str = ""


@dataclass(frozen=True)
class Batch:
    """Photos, what to do with them, and where the results go.

    Args:
        source: Of the photos: a folder, with those inside it; a text with a name a line; a Parquet
            file with a column of images; or a tar.
        out: Where the results go; in there the tree of ``source`` is repeated.
        session: Model, input, view, style and background; its photos do not matter.
        outputs: What is written.
        device: As for ``vitviz.models.loading.choose_device``.
        max_pixels: A photo above this is a failure; None: what memory allows.
        disclosure: What is said of where files come from.
        said: What the user says of the model; None: what was remembered of its file.
        workers: Photos worked on at a time; 0: as many as there are processor cores, at most 8.
        sha256: Of the weights that are meant; "": whatever is there.
        shard: Which part of the photos.
        columns: Of a Parquet file.
    """

    source: Path
    out: Path
    session: Session
    outputs: Outputs = field(default_factory=Outputs)
    device: str = "auto"
    max_pixels: int | None = MAX_PIXELS
    disclosure: Disclosure = field(default_factory=Disclosure)
    workers: int = 0
    said: Said | None = None
    sha256: str = ""
    shard: Shard = WHOLE
    columns: Columns = field(default_factory=Columns)

    @property
    def spec(self) -> WorkSpec:
        """What is done on each photo, wherever it is done.

        Raises:
            CheckpointError: There is no such model.
        """
        session = self.session
        said = remembered_of(session.model) if self.said is None else self.said
        return WorkSpec(
            session.model, self.sha256, words_of(said), said.names, session.input, session.view,
            session.background, session.style, session.figure, self.outputs, self.max_pixels,
            self.disclosure,
        )  # fmt: skip

    def settings(self, card: ModelCard, device: str) -> Settings:
        """What the results depend on.

        Args:
            card: Of the loaded model.
            device: Where it runs: "cpu", "cuda:0".
        """
        session = self.session
        # Computers that share the work may have the folder in different places.
        source = str(resolved(self.source)) if self.shard == WHOLE else self.source.name
        settings: Settings = {
            "vitviz": __version__,
            "source": source,
            **({"shards": self.shard.of} if self.shard != WHOLE else {}),
            **({"columns": asdict(self.columns)} if self.columns != Columns() else {}),
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
            figure = replace(session.figure, content="map")
            settings["figure"] = asdict(figure)
        return settings


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
