"""A network without some of its heads, on a photo without some of its patches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.models.anatomy import Filters, Places, Reader
from vitviz.models.cost import Cost
from vitviz.models.network import Attend, Bias, Network, Step
from vitviz.models.outline import Outline
from vitviz.probing.ablation import Ablation, Fill
from vitviz.probing.filling import background, pixels_of
from vitviz.probing.silence import silenced
from vitviz.shapes import Bool, Float, Int


class Ablated(Network):
    """A network that is looked at as any other, and is another one with something taken away.

    Silenced heads attend as before, and what they put out is replaced before it is projected.
    Removed patches are never looked at, and do not count for the class, which for all other tokens
    is the same as if they were not there (they still look, and their own rows can be seen).
    Networks that cannot do without patches are shown the input's mean colour in their place.

    Args:
        network: The whole one; it is not changed.
        ablation: Which heads; ones that it does not have are silent already.
        geometry: Where the patches of its first layer lie on the photo.

    Raises:
        VitvizError: No patch would be left.
    """

    def __init__(self, network: Network, ablation: Ablation, geometry: Geometry) -> None:
        super().__init__()
        outline, removed = network.outline(geometry.input_size), ablation.removed(geometry)
        if removed.all():
            raise VitvizError("Every patch is removed.", "Leave one at least.")
        self.whole = network
        self.blocks = network.blocks
        self.ablation, self._geometry = ablation, geometry
        self.removed = torch.tensor(removed) if removed.any() else None
        self._prefix = len(outline.prefix)
        self._heads = [layer.heads for layer in outline.layers]
        self._drops = "drop" in outline.gives
        self._patch = outline.layers[0].patch

    def embed(self, image: Float[Tensor, "batch 3 height width"]) -> Tensor:
        if self.removed is None or self._drops:
            return self.whole.embed(image)
        size = (image.shape[2], image.shape[3])
        gone = pixels_of(self.removed[None], size, self._patch).to(image.device)
        means = torch.cat([background(one[None], "mean", 0) for one in image])
        return self.whole.embed(torch.where(gone, means, image))

    def steps(
        self, input_size: tuple[int, int], kept: Int[Tensor, " tokens"] | None = None
    ) -> Sequence[Step]:
        if kept is not None:
            return self._silenced(self.whole.steps(input_size, self._staying(kept)))
        steps = self._silenced(self.whole.steps(input_size))
        if self.removed is None or not self._drops:
            return steps
        return [_unseen(step, self._gone()) for step in steps]

    def keep(self, z: Tensor, tokens: Int[Tensor, " tokens"]) -> Tensor:
        return self.whole.keep(z, self._staying(tokens))

    def classify(self, z: Tensor) -> Float[Tensor, "batch classes"]:
        return self.whole.classify(self._left(z))

    def readouts(self, z: Tensor) -> Float[Tensor, "readouts batch classes"]:
        return self.whole.readouts(self._left(z))

    def features(self, z: Tensor) -> Float[Tensor, "batch numbers"]:
        return self.whole.features(self._left(z))

    def filters(self, input_size: tuple[int, int]) -> Filters | None:
        return self.whole.filters(input_size)

    def placing(self, input_size: tuple[int, int]) -> Places | None:
        return self.whole.placing(input_size)

    def unplaced(self) -> Network | None:
        other = self.whole.unplaced()
        return None if other is None else Ablated(other, self.ablation, self._geometry)

    def readers(self, z: Tensor) -> tuple[Reader, ...]:
        return self.whole.readers(self._left(z))

    def projection(self, layer: int) -> Float[Tensor, "width heads_times_dim"]:
        """That of the whole network, without what silent heads put out by what they look at: with
        their mean in its place they add the same to every token.
        """
        whole, heads = self.whole.projection(layer), self._heads[layer]
        silent = torch.zeros(heads, 1, dtype=torch.bool, device=whole.device)
        silent[[head for head in self.ablation.silenced(layer) if head < heads]] = True
        apart = whole.view(len(whole), heads, -1)
        return torch.where(silent, 0.0, apart).flatten(1)

    def _left(self, z: Tensor) -> Tensor:
        """A state without the tokens that are gone."""
        if self.removed is None or not self._drops:
            return z
        gone = self._gone()
        if z.shape[1] != len(gone):  # tokens were kept, and those that are gone not among them
            return z
        return self.whole.keep(z, (~gone).nonzero()[:, 0].to(z.device))

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return self.whole.outline(input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return self.whole.cost(input_size)

    def as_tokens(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        return self.whole.as_tokens(z)

    def normed(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        return self.whole.normed(z)

    def decode(
        self,
        image: Float[Tensor, "batch 3 height width"],  # noqa: ARG002
        hidden: Bool[Tensor, "rows cols"],  # noqa: ARG002
        normalised: bool | None = None,  # noqa: ARG002
    ) -> Float[Tensor, "batch 3 height width"]:
        raise VitvizError(
            "What a decoder makes of a photo is not known of a model without some of its parts.",
            "Make the model whole again.",
        )

    def _gone(self) -> Bool[Tensor, " tokens"]:
        """Which tokens of the first layer, and so of all, are gone."""
        assert self.removed is not None
        return torch.cat([torch.zeros(self._prefix, dtype=torch.bool), self.removed.flatten()])

    def _staying(self, tokens: Int[Tensor, " tokens"]) -> Int[Tensor, " left"]:
        """Those of the tokens that are not gone anyway."""
        if self.removed is None:
            return tokens
        patches = tokens - self._prefix
        gone = self.removed.flatten().to(tokens.device)
        return tokens[(patches < 0) | ~gone[patches.clamp(min=0)]]

    def _silenced(self, steps: Sequence[Step]) -> Sequence[Step]:
        found: list[Step] = []
        for layer, step in enumerate(steps):
            heads = self.ablation.silenced(layer)
            found.append(_silencing(step, heads, self.ablation.fill) if heads else step)
        return found


def _silencing(step: Step, heads: tuple[int, ...], fill: Fill) -> Step:
    """A step some of whose heads are silent; those that it does not have are left out."""

    def silent_step(z: Tensor, attend: Attend) -> Tensor:
        def silent(
            q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None,
            windows: Tensor | None = None,
        ) -> Tensor:  # fmt: skip
            mixed = attend(q, k, v, bias, windows)
            gone = torch.zeros(1, mixed.shape[1], dtype=torch.bool, device=mixed.device)
            gone[:, [head for head in heads if head < mixed.shape[1]]] = True
            return silenced(mixed, gone, fill, windows)

        return step(z, silent)

    return silent_step


def _unseen(step: Step, gone: Bool[Tensor, " tokens"]) -> Step:
    """A step in which nobody looks at some tokens."""

    def partial_step(z: Tensor, attend: Attend) -> Tensor:
        def partial(
            q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None,
            windows: Tensor | None = None,
        ) -> Tensor:  # fmt: skip
            return attend(q, k, v, Hidden(gone.to(q.device), q.shape[1], bias), windows)

        return step(z, partial)

    return partial_step


class Hidden:
    """A bias that hides some tokens from all others.

    Args:
        gone: Which.
        heads: How many heads look.
        before: The network's own bias.
    """

    def __init__(self, gone: Bool[Tensor, " tokens"], heads: int, before: Bias | None) -> None:
        self._row = torch.zeros(len(gone), device=gone.device).masked_fill_(gone, -torch.inf)
        self._heads, self._before = heads, before

    def __call__(self, rows: slice) -> Float[Tensor, "heads rows tokens"]:
        if self._before is not None:
            return self._before(rows) + self._row
        count = len(range(*rows.indices(len(self._row))))
        return self._row.expand(self._heads, count, -1)
