"""What a family of networks is: one folder in ``models``, and one row in ``families``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vitviz.models.config import Config, Size, TrainingInput
from vitviz.models.cost import Cost
from vitviz.models.outline import Outline
from vitviz.models.text.config import TextConfig

if TYPE_CHECKING:  # torch is not loaded for a list of cards
    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network
    from vitviz.models.training import Training


@dataclass(frozen=True)
class Family:
    """Networks that are built alike.

    Args:
        name: As in a model card's ``family``: "vit".
        title: For people: "Vision Transformer".
        read: A configuration from the fields of a model card's file, from anywhere, those of the
            network being taken out; the number of classes where no field says so. Raises
            ``ValueError`` where they describe no network.
        fields: The fields of a configuration, as ``read`` takes them.
        trained: What a network of a configuration was trained on.
        outline: A network of a configuration from outside, at an input of this height and width.
        cost: What running it costs, at an input of this height and width.
        build: A network with parameters yet to be loaded; loads torch.
        readers: One for each way in which checkpoints name the parameters; loads torch.
        specimen: A configuration so small that it is traced at once, for checks of this computer.
        training: How one is trained, for families that ``vitviz train`` can make; loads torch.
        text: The text tower that is in the same file, for families that may have one.
    """

    name: str
    title: str
    read: Callable[[dict[str, Any], int], Config]
    fields: Callable[[Config], dict[str, Any]]
    trained: Callable[[Config], TrainingInput]
    outline: Callable[[Config, Size], Outline]
    cost: Callable[[Config, Size], Cost]
    build: Callable[[Config], Network]
    readers: Callable[[], tuple[Reader, ...]]
    specimen: Callable[[], Config] | None = None
    training: Callable[[], Training] | None = None
    text: Callable[[Config], TextConfig | None] = lambda _: None
