"""What tracing needs of a network of any family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.anatomy import Filters, Places, Reader
from vitviz.models.cost import BIAS_BYTES, Cost
from vitviz.models.outline import Outline
from vitviz.shapes import Bool, Float, Int

Bias = Callable[[slice], Tensor]
"""What is added to some rows of q k^T / sqrt(head_dim) before the softmax, made when it is asked
for: heads x rows x tokens, or windows x heads x rows x slots where windows differ. It keeps what it
needs and no network, since traces keep it."""


@runtime_checkable
class Attend(Protocol):
    """Attention itself: softmax(q k^T / sqrt(head_dim) + bias) v.

    A network with another scale multiplies q with it first.
    """

    def __call__(
        self,
        q: Float[Tensor, "batch heads tokens head_dim"],
        k: Float[Tensor, "batch heads tokens head_dim"],
        v: Float[Tensor, "batch heads tokens head_dim"],
        bias: Bias | None = None,
        windows: Int[Tensor, "windows slots"] | None = None,
    ) -> Float[Tensor, "batch heads tokens head_dim"]:
        """The mixed v.

        Args:
            q: Queries.
            k: Keys.
            v: Values.
            bias: None: no bias.
            windows: Where tokens look only at those of their own window: which tokens of the layer
                lie in each window (each token in one), -1 being padding. The batch is then images
                x windows, and "tokens" above are a window's slots. None: all look at all.
        """


def softmax_attention(
    q: Float[Tensor, "batch heads tokens head_dim"],
    k: Float[Tensor, "batch heads tokens head_dim"],
    v: Float[Tensor, "batch heads tokens head_dim"],
    bias: Bias | None = None,
    windows: Int[Tensor, "windows slots"] | None = None,  # noqa: ARG001
) -> Float[Tensor, "batch heads tokens head_dim"]:
    """The ``Attend`` of networks that nobody looks into; in memory linear in tokens."""
    if bias is None:
        return F.scaled_dot_product_attention(q, k, v)
    mixed = [
        F.scaled_dot_product_attention(q[:, :, rows], k, v, attn_mask=bias_of(bias, rows, len(q)))
        for rows in bias_rows(q)
    ]
    return mixed[0] if len(mixed) == 1 else torch.cat(mixed, dim=2)


def bias_rows(q: Float[Tensor, "batch heads tokens head_dim"]) -> Iterator[slice]:
    """Cuts all rows into pieces whose bias is no larger than ``BIAS_BYTES``."""
    batch, heads, tokens, _ = q.shape
    step = max(1, BIAS_BYTES // (4 * batch * heads * tokens))
    for start in range(0, tokens, step):
        yield slice(start, min(start + step, tokens))


def bias_of(bias: Bias, rows: slice, batch: int) -> Float[Tensor, "once heads rows tokens"]:
    """The bias of some rows as torch's attention wants it: once, or for each of the batch.

    Args:
        bias: Of one image.
        rows: Which rows.
        batch: Images x windows.
    """
    found = bias(rows)
    if found.ndim == 3:
        return found[None]
    return found if len(found) == batch else found.repeat(batch // len(found), 1, 1, 1)


Step = Callable[[Tensor, Attend], Tensor]
"""One layer: a state to the next one."""


class Network(nn.Module):
    """A network as steps from one state to the next: ``embed``, each of ``steps``, ``classify``.

    Whoever wants to see what happens in between (``vitviz.tracing``) goes through these steps, and
    gives each an ``attend`` of its own. A step that has attention calls it once, with all of its
    heads; one that has none never does. A state is whatever the next step takes, batch first.
    """

    blocks: nn.ModuleList
    """The layers that the network's outline names, each called with a state and an ``Attend``."""

    def embed(self, image: Float[Tensor, "batch 3 height width"]) -> Tensor:
        """The first state."""
        raise NotImplementedError

    def steps(
        self, input_size: tuple[int, int], kept: Int[Tensor, " tokens"] | None = None
    ) -> Sequence[Step]:
        """The blocks, each of which knows where its tokens lie.

        Args:
            input_size: Height and width of the input.
            kept: Which tokens of the first state there are still, where some were dropped
                (``keep``); None for all. Only for networks whose outline gives "drop". With
                "neurons", -1 stands for a token that was added, and has no place.
        """
        del input_size, kept  # for networks whose blocks depend on them
        return tuple(self.blocks)

    def keep(self, z: Tensor, tokens: Int[Tensor, " tokens"]) -> Tensor:
        """A state of the first layer with these of its tokens alone, in their order; only networks
        whose outline gives "drop" have it.
        """
        return z[:, tokens]

    def classify(self, z: Tensor) -> Float[Tensor, "batch classes"]:
        """Logits from the last state; features where there is no head."""
        raise NotImplementedError

    def readouts(self, z: Tensor) -> Float[Tensor, "readouts batch classes"]:
        """Logits of each head by itself, as the outline's ``readouts`` names them: ``classify`` is
        their mean.
        """
        return self.classify(z)[None]

    def features(self, z: Tensor) -> Float[Tensor, "batch numbers"]:
        """What the head reads of the last state; where a network does not say, its answer."""
        return self.classify(z)

    def filters(self, input_size: tuple[int, int]) -> Filters | None:
        """What it multiplies windows of its input with; None where it does not say.

        Args:
            input_size: Height and width of the input.
        """
        del input_size
        return None

    def placing(self, input_size: tuple[int, int]) -> Places | None:
        """How it knows where its tokens lie; None where it has no tokens, but windows that slide.

        Args:
            input_size: Height and width of the input.
        """
        del input_size
        return None

    def unplaced(self) -> Network | None:
        """The same network, with the same parameters, to which all places are alike; None where it
        cannot be told apart from where its tokens lie.
        """
        return None

    def readers(self, z: Tensor) -> tuple[Reader, ...]:
        """What its heads read of the last state, of the first of the batch: ``classify`` is the
        mean of their logits. None where it has no head, or does not say.
        """
        del z
        return ()

    def projection(self, layer: int) -> Float[Tensor, "width heads_times_dim"]:
        """What the outputs of a layer's heads, one after another, are multiplied by before they are
        added to the state; only networks whose outline gives "values" have it.
        """
        raise NotImplementedError

    def outline(self, input_size: tuple[int, int]) -> Outline:
        """It from outside, at an input of this height and width."""
        raise NotImplementedError

    def cost(self, input_size: tuple[int, int]) -> Cost:
        """What tracing it costs, at an input of this height and width."""
        raise NotImplementedError

    def as_tokens(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        """A state as the tokens of its layer: prefix, then patches row by row."""
        return z

    def normed(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        """The tokens of a state of any layer as the network's last norm makes them, which is what
        its head reads of the last one; as they are where it has no such norm.
        """
        return self.as_tokens(z)

    normalised_pixels = False
    """Its decoder predicts each patch's pixels less their mean, by their spread."""

    def decode(
        self,
        image: Float[Tensor, "batch 3 height width"],
        hidden: Bool[Tensor, "rows cols"],
        normalised: bool | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """The input as a decoder makes it of those patches that are not hidden, in the input's
        units; only networks whose outline gives "decoder" have one.

        Args:
            image: The whole input.
            hidden: Which patches.
            normalised: The decoder's predictions are normalised pixels, which the mean and spread
                of the true ones undo; None: as the network says.
        """
        raise NotImplementedError

    def forward(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch classes"]:
        z = self.embed(image)
        for step in self.steps((image.shape[2], image.shape[3])):
            z = step(z, softmax_attention)
        return self.classify(z)
