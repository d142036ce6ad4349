"""NaFlexViT and the order of LayerNorms: what timm's names tell, and what only a config does."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import Tensor

from tests.parity.sources import from_timm, images, read
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.said import NOT_SAID, Assumption, Said
from vitviz.models.families import reader_of

SMALL = {"embed_dim": 96, "depth": 2, "num_heads": 3, "num_classes": 7}


@pytest.mark.parametrize("name", ["gap", "siglip"])
@pytest.mark.parametrize("size", [(256, 256), (48, 112)])
def test_naflexvit_is_timms(name: str, size: tuple[int, int]) -> None:
    how = SMALL if name == "gap" else {**SMALL, "num_classes": 0}
    theirs = from_timm(f"naflexvit_base_patch16_{name}", **how)
    tensors = dict(theirs.state_dict())
    ours = read(tensors, Said("timm", f"naflexvit_base_patch16_{name}", network={"heads": 3}))
    assert ours.config.grid == (16, 16)
    image = images(*size)
    assert float(theirs(image).std()) > 0.02
    assert float((ours(image) - theirs(image)).abs().max()) < 1e-5


def test_naflexvit_that_keeps_the_shape_of_positions_is_refused_where_it_is_said() -> None:
    tensors = dict(from_timm("naflexvit_base_patch16_par_gap", **SMALL).state_dict())
    reader = reader_of(tensors).reader
    with pytest.raises(CheckpointError, match="keeps the shape"):
        reader.config(tensors, Said("timm", "naflexvit_base_patch16_par_gap"))
    _, notes = reader.config(tensors, Said(network={"heads": 3}))
    assert any("not square" in str(note) for note in notes), "alone, nothing tells"


def post_norm() -> dict[str, Tensor]:
    with torch.device("meta"):
        theirs = timm.create_model("vit_base_patch16_rpn_224", depth=2)
    return dict(theirs.state_dict())


def test_only_its_name_tells_timms_post_norm_from_a_plain_one() -> None:
    tensors = post_norm()
    reader = reader_of(tensors).reader
    config, notes = reader.config(tensors, Said("timm", "vit_base_patch16_rpn_224"))
    assert config.order == "norm last"
    assert not any(isinstance(note, Assumption) and note.field == "order" for note in notes)
    config, notes = reader.config(tensors, NOT_SAID)
    assert config.order == "norm first"
    assert any(isinstance(note, Assumption) and note.field == "order" for note in notes)
