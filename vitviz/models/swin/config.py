"""The shape of a Swin Transformer, known before its weights are; and where its windows lie.

Nothing here loads torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from vitviz.reading import Within, taken, wrong

Shifts = Literal["each axis", "both axes", "as trained"]
"""Where a stage's grid is no larger than its window, nothing is shifted. Decided for rows and
columns each, as torchvision does; for both together (transformers' Swin); or once for the input
trained on, whatever the input (timm, transformers' Swinv2)."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class SwinConfig:
    """A Swin Transformer's shape.

    Args:
        version: 1 (arXiv 2103.14030) or 2 (arXiv 2111.09883).
        patch: Side of a patch of the first stage, in input pixels.
        width: Length of a token in the first stage (C in the paper); it doubles with each stage.
        depths: Blocks of each stage.
        heads: Attention heads of each stage.
        windows: Side of a window in each stage, in its patches.
        mlp_ratio: Hidden width of the MLP to that of the token.
        input_size: Height and width trained on, in pixels.
        classes: Outputs of the head; 0 where there is no head.
        norm_eps: Epsilon of every LayerNorm.
        trained_windows: Side of the windows that version 2's relative positions are measured by,
            where it was trained first with others; 0: by those it has.
        shifts: When nothing is shifted.
        shift_first: The patches are shifted and then padded to whole windows (timm), not the other
            way round.
    """

    width: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    windows: tuple[int, ...]
    version: Literal[1, 2] = 1
    patch: int = 4
    mlp_ratio: float = 4.0
    input_size: Pair = (224, 224)
    classes: int = 1000
    norm_eps: float = 1e-5
    trained_windows: tuple[int, ...] = ()
    shifts: Shifts = "each axis"
    shift_first: bool = False

    def __post_init__(self) -> None:
        stages = len(self.depths)
        if not stages or len(self.heads) != stages or len(self.windows) != stages:
            raise ValueError("every stage has its number of blocks, of heads and its window")
        if self.trained_windows and len(self.trained_windows) != stages:
            raise ValueError("every stage has the window it was trained with, or none has")
        sizes = (self.patch, self.width, *self.depths, *self.heads, *self.windows)
        if min(*sizes, *self.input_size) < 1 or self.classes < 0:
            raise ValueError("every size of a network is at least 1")
        for stage, heads in enumerate(self.heads):
            if self.width_of(stage) % heads:
                raise ValueError(f"width {self.width_of(stage)} is no multiple of {heads} heads")
        if self.input_size[0] % self.patch or self.input_size[1] % self.patch:
            raise ValueError(f"input {self.input_size} is not a multiple of patch {self.patch}")

    @property
    def stages(self) -> int:
        return len(self.depths)

    def width_of(self, stage: int) -> int:
        """Length of a token in a stage, from 0."""
        return self.width << stage

    def hidden_of(self, stage: int) -> int:
        """Hidden width of the MLP in a stage."""
        return int(self.width_of(stage) * self.mlp_ratio)

    def grid_of(self, stage: int, input_size: Pair) -> Pair:
        """Rows and columns of the patches of a stage; those of odd number are padded to merge."""
        side = self.patch << stage
        return -(-input_size[0] // side), -(-input_size[1] // side)

    def shift_of(self, stage: int, block: int, grid: Pair) -> Pair:
        """By how many rows and columns the windows of a block are shifted, on a grid: every other
        block by half a window.
        """
        window = self.windows[stage]
        if block % 2 == 0:
            return 0, 0
        if self.shifts == "as trained":
            grid = self.grid_of(stage, self.input_size)
        rows, cols = (0 if side <= window else window // 2 for side in grid)
        return (rows, cols) if self.shifts != "both axes" or (rows and cols) else (0, 0)

    def blocks(self) -> tuple[Pair, ...]:
        """Stage and number in it of each block, from 0."""
        return tuple((stage, block) for stage, n in enumerate(self.depths) for block in range(n))

    @property
    def parameters(self) -> int:
        """How many numbers the network has learned."""
        count = (3 * self.patch**2 + 1) * self.width + 2 * self.width
        for stage, depth in enumerate(self.depths):
            width, heads = self.width_of(stage), self.heads[stage]
            hidden = self.hidden_of(stage)
            bias = (2 * self.windows[stage] - 1) ** 2 * heads  # a table
            if self.version == 2:  # an MLP, and the scale; its keys have no bias
                bias = 3 * CPB_WIDTH + CPB_WIDTH * heads + heads - width
            attention = (width + 1) * 4 * width + bias
            mlp = (width + 1) * hidden + (hidden + 1) * width
            count += depth * (4 * width + attention + mlp)
            if stage:
                before = self.width_of(stage - 1)
                norm = 4 * before if self.version == 1 else 2 * before
                count += 4 * before * 2 * before + 2 * norm
        last = self.width_of(self.stages - 1)
        return count + 2 * last + (last + 1) * self.classes


CPB_WIDTH = 512
"""Hidden width of version 2's MLP that makes the bias of relative positions. Source: its section
3.3, and the authors' code."""


def axis_labels(side: int, window: int, shift: int, *, shift_first: bool) -> tuple[Pair, ...]:
    """Window and region of each row (or column) of a grid, of which the latter do not see each
    other in one window.

    Source: the three slices of the authors' ``calculate_mask``, over what is padded.
    """
    padded = -(-side // window) * window
    around = side if shift_first else padded
    labels = []
    for row in range(side):
        at = (row - shift) % around
        region = 0
        if shift:
            region = (at >= padded - window) + (at >= padded - shift)
        labels.append((at // window, int(region)))
    return tuple(labels)


def window_cuts(side: int, window: int, shift: int, *, shift_first: bool) -> tuple[int, ...]:
    """The rows (or columns) of a grid before which another window, or region of one, begins."""
    labels = axis_labels(side, window, shift, shift_first=shift_first)
    return tuple(row for row in range(1, side) if labels[row] != labels[row - 1])


Count = Annotated[int, Within(1, 1 << 10)]
Counts = Annotated[tuple[Count, ...], Within(1, 16)]


@dataclass(frozen=True)
class _Fields:
    """A Swin's fields of a model card, as the file has them; see ``SwinConfig``."""

    width: Annotated[int, Within(1, 1 << 14)]
    depths: Counts
    heads: Counts
    windows: Counts
    input_size: tuple[Annotated[float, Within(1, 1 << 14)], Annotated[float, Within(1, 1 << 14)]]
    version: Annotated[int, Within(1, 2)] = 1
    patch: Annotated[int, Within(1, 1 << 8)] = 4
    mlp_ratio: Annotated[float, Within(0.01, 100)] = 4.0
    class_count: Annotated[int, Within(0, 1 << 20)] | None = None
    layer_norm_eps: Annotated[float, Within(1e-15, 0.1)] = 1e-5
    trained_windows: Annotated[tuple[Annotated[int, Within(0, 1 << 10)], ...], Within(0, 16)] = ()
    shifts: Shifts = "each axis"
    shift_first: bool = False


def read_config(values: dict[str, Any], classes: int) -> SwinConfig:
    """The network that a model card describes.

    Args:
        values: The card's fields, from anywhere; those of the network are taken out of it.
        classes: How many the network has, where no field says so.

    Raises:
        ValueError: A field is missing, of another type or out of range, or there is no such
            network.
    """
    given = taken(_Fields, values)
    height, width = given.input_size
    if height % 1 or width % 1:
        raise wrong("input_size", "a height and a width in whole pixels", (height, width))
    try:
        return SwinConfig(
            width=given.width,
            depths=given.depths,
            heads=given.heads,
            windows=given.windows,
            version=1 if given.version == 1 else 2,
            patch=given.patch,
            mlp_ratio=given.mlp_ratio,
            input_size=(int(height), int(width)),
            classes=classes if given.class_count is None else given.class_count,
            norm_eps=given.layer_norm_eps,
            trained_windows=given.trained_windows,
            shifts=given.shifts,
            shift_first=given.shift_first,
        )
    except ValueError as error:
        raise ValueError(f"it does not describe a network ({error})") from error


def config_fields(config: SwinConfig) -> dict[str, Any]:
    """A network's fields of a model card: ``read_config`` gives the same network back."""
    return {
        "version": config.version,
        "input_size": config.input_size,
        "patch": config.patch,
        "width": config.width,
        "depths": config.depths,
        "heads": config.heads,
        "windows": config.windows,
        "trained_windows": config.trained_windows,
        "mlp_ratio": config.mlp_ratio,
        "shifts": config.shifts,
        "shift_first": config.shift_first,
        "layer_norm_eps": config.norm_eps,
        "class_count": config.classes,
    }
