"""What tracing needs of a network of any family."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.cost import Cost
from vitviz.models.outline import Outline
from vitviz.shapes import Bool, Float, Int

Attend = Callable[..., Tensor]
"""Attention itself: q, k, v, each batch x heads x tokens x head_dim, to the mixed v, same shape."""

Bias = Callable[[slice], Tensor]


def softmax_attention(q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None) -> Tensor:
    """The ``Attend`` of networks that nobody looks into."""
    if bias is None:
        return F.scaled_dot_product_attention(q, k, v)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias(slice(0, q.shape[2]))[None])


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
                (``keep``); None for all. Only for networks whose outline gives "drop".
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

    def outline(self, input_size: tuple[int, int]) -> Outline:
        """It from outside, at an input of this height and width."""
        raise NotImplementedError

    def cost(self, input_size: tuple[int, int]) -> Cost:
        """What tracing it costs, at an input of this height and width."""
        raise NotImplementedError

    def as_tokens(self, z: Tensor) -> Float[Tensor, "batch tokens dim"]:
        """A state as the tokens of its layer: prefix, then patches row by row."""
        return z

    def decode(
        self, image: Float[Tensor, "batch 3 height width"], hidden: Bool[Tensor, "rows cols"]
    ) -> Float[Tensor, "batch 3 height width"]:
        """The input as a decoder makes it of those patches that are not hidden, in the input's
        units; only networks whose outline gives "decoder" have one.
        """
        raise NotImplementedError

    def forward(
        self, image: Float[Tensor, "batch 3 height width"]
    ) -> Float[Tensor, "batch classes"]:
        z = self.embed(image)
        for step in self.steps((image.shape[2], image.shape[3])):
            z = step(z, softmax_attention)
        return self.classify(z)
