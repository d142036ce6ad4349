"""The masked autoencoder against transformers with the same mask, and against timm's blocks put
together as the authors put them.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from timm.models.vision_transformer import Block as TimmBlock
from torch import Tensor, nn

from tests.parity.test_logits import images, randomised
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.families import reader_of
from vitviz.models.mae.network import MaskedAutoencoder, in_patches, out_of_patches

GRID = 5, 5
PATCH = 8
SIZE = GRID[0] * PATCH, GRID[1] * PATCH


def read(state: dict[str, Tensor], said: Said = NOT_SAID) -> MaskedAutoencoder:
    family, reader = reader_of(state)
    assert family.name == "mae"
    config, _ = reader.config(state, said)
    ours = MaskedAutoencoder(config)
    ours.load_state_dict(reader.convert(state, config))
    assert config.parameters == sum(p.numel() for p in ours.parameters())
    return ours.eval().requires_grad_(False)


def of_transformers(mask_ratio: float = 0.6) -> nn.Module:
    config = transformers.ViTMAEConfig(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48,
        image_size=SIZE[0], patch_size=PATCH, decoder_hidden_size=16, decoder_num_hidden_layers=2,
        decoder_num_attention_heads=2, decoder_intermediate_size=32, mask_ratio=mask_ratio,
    )  # fmt: skip
    return randomised(transformers.ViTMAEForPreTraining(config))


SAID = Said(
    "transformers", "vit_mae",
    {"num_attention_heads": 3, "layer_norm_eps": 1e-12, "hidden_act": "gelu", "image_size": 40,
     "decoder_num_attention_heads": 2, "norm_pix_loss": False},
)  # fmt: skip


def on_disk(key: str, slip: bool) -> str:
    """What a key of version 5 is called in files."""
    for new, old in (
        ("vit.layers.", "vit.encoder.layer."),
        ("decoder_layers.", "decoder_encoder.layer." if slip else "decoder_layers."),
        (".attention.q_proj.", ".attention.attention.query."),
        (".attention.k_proj.", ".attention.attention.key."),
        (".attention.v_proj.", ".attention.attention.value."),
        (".attention.o_proj.", ".attention.output.dense."),
        (".mlp.fc1.", ".intermediate.dense."),
        (".mlp.fc2.", ".output.dense."),
    ):  # fmt: skip
        key = key.replace(new, old)
    return key


@pytest.mark.parametrize("names", ["version 5", "on disk", "the slip"])
def test_the_reconstruction_of_transformers(names: str) -> None:
    theirs, image = of_transformers(), images(*SIZE)
    noise = torch.rand(1, 25, generator=torch.Generator().manual_seed(3)).expand(2, -1)
    found = theirs(image, noise=noise)
    hidden = found.mask[0].bool()
    assert int(hidden.sum()) == 15
    state = dict(theirs.state_dict())
    if names != "version 5":
        state = {on_disk(key, names == "the slip"): t for key, t in state.items()}
        assert any("decoder_encoder" in key for key in state) == (names == "the slip")
    ours = read(state, SAID)
    assert found.logits.std() > 0.05
    torch.testing.assert_close(ours.predict(image, hidden), found.logits, atol=1e-5, rtol=0)
    decoded = ours.decode(image, hidden.view(GRID))
    torch.testing.assert_close(decoded, theirs.unpatchify(found.logits), atol=1e-5, rtol=0)


def test_normalised_pixels_are_undone() -> None:
    """A network that predicts exactly what transformers' loss calls the target gives the photo."""
    ours, image = read(dict(of_transformers().state_dict()), SAID), 3 + 2 * images(*SIZE)
    target = in_patches(image, PATCH)
    mean, var = target.mean(-1, keepdim=True), target.var(-1, keepdim=True)
    ours.predict = lambda *_: (target - mean) / (var + 1e-6) ** 0.5  # type: ignore[method-assign]
    hidden = torch.zeros(GRID, dtype=torch.bool)
    torch.testing.assert_close(ours.decode(image, hidden, True), image, atol=1e-4, rtol=0)
    flat = ours.decode(image, hidden, False)
    assert float((flat - image).abs().mean()) > 1, "and is not where it must not be"


def test_patches_and_back() -> None:
    image = images(24, 40)
    patches = in_patches(image, PATCH)
    assert torch.equal(patches[0, 6], image[0, :, 8:16, 8:16].permute(1, 2, 0).flatten())
    assert torch.equal(out_of_patches(patches, (3, 5)), image)


class Authors(nn.Module):
    """The authors' autoencoder, of timm's blocks, in their names; for any grid."""

    def __init__(self, grid: tuple[int, int]) -> None:
        super().__init__()
        count = grid[0] * grid[1]
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, 64, PATCH, PATCH)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 64))
        self.pos_embed = nn.Parameter(torch.zeros(1, count + 1, 64))
        self.blocks = nn.ModuleList(
            TimmBlock(64, 1, qkv_bias=True, norm_layer=eps6) for _ in range(2)
        )
        self.norm = eps6(64)
        self.decoder_embed = nn.Linear(64, 32)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 32))
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, count + 1, 32))
        self.decoder_blocks = nn.ModuleList(
            TimmBlock(32, 16, qkv_bias=True, norm_layer=eps6) for _ in range(2)
        )
        self.decoder_norm = eps6(32)
        self.decoder_pred = nn.Linear(32, PATCH * PATCH * 3)

    def forward(self, image: Tensor, order: Tensor, keep: int) -> Tensor:
        """``models_mae.py``: patches in a random order, of which the first are kept."""
        x = self.patch_embed.proj(image).flatten(2).transpose(1, 2) + self.pos_embed[:, 1:]
        x = x[:, order[:keep]]
        x = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(len(x), -1, -1), x], 1)
        for block in self.blocks:
            x = block(x)
        x = self.decoder_embed(self.norm(x))
        tokens = torch.cat([x[:, 1:], self.mask_token.expand(len(x), len(order) - keep, -1)], 1)
        x = torch.cat([x[:, :1], tokens[:, order.argsort()]], 1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, 1:]


def eps6(width: int, **_: object) -> nn.LayerNorm:
    return nn.LayerNorm(width, eps=1e-6)


@pytest.mark.parametrize("keep", [4, 9, 25])
def test_as_the_authors_put_it_together(keep: int) -> None:
    theirs, image = randomised(Authors(GRID)), images(*SIZE)
    order = torch.tensor(np.random.default_rng(1).permutation(25))
    hidden = torch.ones(25, dtype=torch.bool)
    hidden[order[:keep]] = False
    ours = read(dict(theirs.state_dict()))
    wanted = theirs(image, order, keep)
    assert wanted.std() > 0.05
    torch.testing.assert_close(ours.predict(image, hidden), wanted, atol=1e-5, rtol=0)


def test_rectangular_inputs() -> None:
    """Positions are resized; with the resized ones as its own, the authors' gives the same."""
    square, theirs, image = randomised(Authors(GRID)), Authors((3, 7)).eval(), images(24, 56)
    ours = read(dict(square.state_dict()))
    rest = {k: t for k, t in square.state_dict().items() if "pos_embed" not in k}
    theirs.load_state_dict(rest, strict=False)
    theirs.requires_grad_(False)
    theirs.pos_embed.data = ours.positions((3, 7))
    theirs.decoder_pos_embed.data = ours.decoder_positions((24, 56))
    order = torch.tensor(np.random.default_rng(1).permutation(21))
    hidden = torch.ones(21, dtype=torch.bool)
    hidden[order[:6]] = False
    wanted = theirs(image, order, 6)
    torch.testing.assert_close(ours.predict(image, hidden), wanted, atol=1e-5, rtol=0)
