"""Maps of words with OpenCLIP's own tower and last block beside ours, from files to maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch

from tests.parity.test_text_towers import OPEN_CLIP, made_open_clip, saved_open_clip
from tests.samples import request_for, save_photo
from vitviz.engine.engine import Engine
from vitviz.session.state import View
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map

WORDS = ["a cat", "the ground"]


def test_the_value_path_is_maskclips(tmp_path: Path) -> None:
    config: dict[str, Any] = OPEN_CLIP["CLIP"]
    theirs = made_open_clip(config)
    folder = saved_open_clip(theirs, config, tmp_path)
    photo = save_photo(tmp_path / "photo.png", 3)
    view = View("words", (("scores", "cosine"), ("shown", 2), ("words", "; ".join(WORDS))))
    engine, request = Engine(), request_for(photo, folder, view)
    cell = engine.answer(request)
    image = engine._see(request, "cpu", lambda *_: None).trace.input()
    visual = theirs.visual
    with torch.no_grad():
        x = visual._embeds(image)
        (block,) = visual.transformer.resblocks
        width = x.shape[-1]
        weight, bias = block.attn.in_proj_weight, block.attn.in_proj_bias
        v = block.ln_1(x) @ weight[2 * width :].T + bias[2 * width :]
        y = visual.ln_post(block.attn.out_proj(v))[0, 1:] @ visual.proj
        text = theirs.encode_text(open_clip.tokenize(WORDS, context_length=20), normalize=True)
    expected = (y / y.norm(dim=1, keepdim=True)) @ text[1]
    found = cell.explanation.map(-1, "mean").values.ravel()
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    assert np.ptp(found) > 0.01
    assert caption(describe_map(cell, view)).startswith("Words “the ground” · layer 1 · ")
