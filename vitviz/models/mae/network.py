"""The masked autoencoder, written out from the paper.

Source: He et al., "Masked Autoencoders Are Scalable Vision Learners", CVPR 2022, arXiv 2111.06377;
the position of each part, and what is undone of normalised pixels, facebookresearch/mae
(``models_mae.py``).

The encoder is a plain Vision Transformer (``vitviz.models.vit.network``) that is given only the
patches that are not hidden, each with its position. Everything that is asked of a ViT is asked of
it. The decoder gets its tokens and, in the place of each hidden patch, one and the same learned
token, all with positions of its own; what it makes of each is the pixels of a patch.

Axes: as of the Vision Transformer; pixels = 3 * patch^2, row by row, channels last.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitviz.models.cost import Cost
from vitviz.models.mae.config import MAEConfig
from vitviz.models.mae.cost import cost
from vitviz.models.mae.outline import outline
from vitviz.models.network import softmax_attention
from vitviz.models.outline import Outline
from vitviz.models.vit.network import Block, VisionTransformer
from vitviz.shapes import Bool, Float

SPREAD_EPS = 1e-6
"""Added to a patch's variance. Source: ``forward_loss`` in the authors' code."""


class MaskedAutoencoder(VisionTransformer):
    """A Vision Transformer, and a decoder of its tokens."""

    def __init__(self, config: MAEConfig) -> None:
        super().__init__(config.encoder)
        decoder = config.decoder
        self.mae = config
        self.normalised_pixels = config.normalised
        self.decoder_embed = nn.Linear(config.encoder.width, decoder.width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, decoder.width))
        rows, cols = decoder.grid
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, 1 + rows * cols, decoder.width))
        self.decoder_blocks = nn.ModuleList(Block(decoder) for _ in range(decoder.depth))
        self.decoder_norm = nn.LayerNorm(decoder.width, eps=decoder.norm_eps)
        self.decoder_pred = nn.Linear(decoder.width, 3 * decoder.patch**2)

    def outline(self, input_size: tuple[int, int]) -> Outline:
        return outline(self.mae, input_size)

    def cost(self, input_size: tuple[int, int]) -> Cost:
        return cost(self.mae, input_size)

    def decode(
        self,
        image: Float[Tensor, "batch 3 height width"],
        hidden: Bool[Tensor, "rows cols"],
        normalised: bool | None = None,
    ) -> Float[Tensor, "batch 3 height width"]:
        """The input as the decoder makes it of those patches that are not hidden.

        What it makes of visible patches was never trained.

        Args:
            image: The whole input; of normalised pixels, the mean and spread of hidden patches are
                taken from it.
            hidden: Which patches.
            normalised: Whether the predictions are normalised pixels; None: as the checkpoint says.
        """
        grid = hidden.shape[0], hidden.shape[1]
        predicted = self.predict(image, hidden.flatten())
        undo = self.normalised_pixels if normalised is None else normalised
        if undo:
            true = in_patches(image, self.config.patch)
            spread = (true.var(dim=-1, keepdim=True) + SPREAD_EPS).sqrt()
            predicted = predicted * spread + true.mean(dim=-1, keepdim=True)
        return out_of_patches(predicted, grid)

    def predict(
        self, image: Float[Tensor, "batch 3 height width"], hidden: Bool[Tensor, " patches"]
    ) -> Float[Tensor, "batch patches pixels"]:
        """What the decoder puts out for every patch."""
        size = image.shape[2], image.shape[3]
        seen = torch.cat([hidden.new_zeros(1), hidden]).logical_not().nonzero()[:, 0]  # and CLS
        z = self.keep(self.embed(image), seen)
        for step in self.steps(size, seen):
            z = step(z, softmax_attention)
        visible = self.decoder_embed(self.norm(z))
        tokens = self.mask_token.expand(len(image), 1 + len(hidden), -1)
        tokens = tokens.index_copy(1, seen, visible) + self.decoder_positions(size)
        for block in self.decoder_blocks:
            tokens = block(tokens)
        out: Tensor = self.decoder_pred(self.decoder_norm(tokens))
        return out[:, 1:]

    def decoder_positions(self, input_size: tuple[int, int]) -> Float[Tensor, "1 tokens dim"]:
        """The decoder's own, at any input: as the encoder's, resized as an image."""
        rows, cols = (side // self.config.patch for side in input_size)
        if (rows, cols) == self.config.grid:
            return self.decoder_pos_embed
        cls, patches = self.decoder_pos_embed[:, :1], self.decoder_pos_embed[:, 1:]
        image = patches.reshape(1, *self.config.grid, -1).permute(0, 3, 1, 2)
        image = F.interpolate(image.cpu(), size=(rows, cols), mode="bicubic", antialias=True)
        return torch.cat([cls, image.flatten(2).transpose(1, 2).to(cls.device)], dim=1)


def in_patches(
    image: Float[Tensor, "batch 3 height width"], patch: int
) -> Float[Tensor, "batch patches pixels"]:
    """An image as the pixels of its patches."""
    rows, cols = image.shape[2] // patch, image.shape[3] // patch
    pieces = image.reshape(len(image), 3, rows, patch, cols, patch)
    return pieces.permute(0, 2, 4, 3, 5, 1).reshape(len(image), rows * cols, 3 * patch * patch)


def out_of_patches(
    pixels: Float[Tensor, "batch patches pixels"], grid: tuple[int, int]
) -> Float[Tensor, "batch 3 height width"]:
    """The image of patches: ``in_patches`` undone."""
    patch = round((pixels.shape[-1] // 3) ** 0.5)
    pieces = pixels.reshape(len(pixels), *grid, patch, patch, 3)
    return pieces.permute(0, 5, 1, 3, 2, 4).reshape(
        len(pixels), 3, grid[0] * patch, grid[1] * patch
    )
