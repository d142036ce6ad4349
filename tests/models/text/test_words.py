"""Words as vectors: what the tower does with tokens, how texts are cut, and what is refused."""

from __future__ import annotations

import gzip
import json
import os
import sys
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
import torch
from hypothesis import given
from hypothesis import strategies as st
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from torch import Tensor, nn

import vitviz
from vitviz.bundled import resource
from vitviz.errors import CheckpointError, VitvizError
from vitviz.models.card import from_json, to_json
from vitviz.models.loading import Model, load_model
from vitviz.models.objects.loading import load_object
from vitviz.models.text.byte_pairs import tokens_of, vocabulary
from vitviz.models.text.config import TextConfig
from vitviz.models.text.network import TextTransformer
from vitviz.models.text.tokenizer import canonical, tokenizer_of
from vitviz.models.words import encode_text, matching_of, text_tower

CLIP = TextConfig(
    vocabulary=49_408, context=12, width=24, depth=2, heads=3, mlp_width=40, projection=10
)  # fmt: skip
SIGLIP = replace(CLIP, vocabulary=300, causal=False, projection_bias=True, norm_eps=1e-6)


def random_tower(config: TextConfig) -> TextTransformer:
    torch.manual_seed(0)
    network = TextTransformer(config)
    for parameter in network.parameters():
        parameter.data = 0.3 * torch.randn(parameter.shape) + (parameter.ndim == 1)
    return network.eval().requires_grad_(False)


def by_hand(network: TextTransformer, config: TextConfig, ids: list[int]) -> Tensor:
    """All states of one text, a token and a head at a time."""
    z = torch.stack([network.tokens.weight[i] + network.pos_embed[at] for at, i in enumerate(ids)])
    size = config.width // config.heads
    for block in network.blocks:
        x = block.norm1(z)
        q, k, v = (x @ w.T + b for w, b in zip(
            block.attn.qkv.weight.chunk(3), block.attn.qkv.bias.chunk(3), strict=True))  # fmt: skip
        mixed = torch.zeros_like(z)
        for head in range(config.heads):
            own = slice(head * size, (head + 1) * size)
            for at in range(len(ids)):
                seen = range(at + 1) if config.causal else range(len(ids))
                logits = torch.stack([q[at, own] @ k[to, own] / size**0.5 for to in seen])
                weights = logits.exp() / logits.exp().sum()
                mixed[at, own] = sum(w * v[to, own] for w, to in zip(weights, seen, strict=True))
        z = z + block.attn.proj(mixed)
        z = z + block.mlp.fc2(nn.functional.gelu(block.mlp.fc1(block.norm2(z))))
    return network.proj(network.norm(z))


@pytest.mark.parametrize("config", [CLIP, SIGLIP], ids=["CLIP", "SigLIP"])
def test_a_tower_is_the_formula(config: TextConfig) -> None:
    network, ids = random_tower(config), [5, 17, 2, 290, 4]
    found = network(torch.tensor([ids, ids]), torch.tensor([2, 4]))
    torch.testing.assert_close(found, by_hand(network, config, ids)[[2, 4]], rtol=1e-4, atol=1e-4)


def test_clip_reads_nothing_behind_the_end() -> None:
    network = random_tower(CLIP)
    short = network(torch.tensor([[5, 17, 2]]), torch.tensor([2]))
    longer = network(torch.tensor([[5, 17, 2, 9, 9]]), torch.tensor([2]))
    torch.testing.assert_close(short, longer)


# --- Cutting ---


def test_the_vocabulary_is_clips() -> None:
    _, places = vocabulary()
    theirs = SimpleTokenizer()
    assert len(places) == CLIP.vocabulary - 2
    assert {theirs.encoder[token] for token in places} == set(places.values())
    assert all(theirs.encoder[token] == place for token, place in places.items())


TEXTS = [
    "a photo of a cat", "Löwe's den: 1,234!", "猫と犬 🐻 café naïve", "ALL CAPS's it'll I'D",
    "x" * 60, "tab\tnew\nline — dash…", "e\u0301 composed", "½ ² ①", "مرحبا नमस्ते", "''s ''t",
    "a_b c-d/e", "<|endoftext|>", "rock'n'roll", "don`t 'tis",
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_texts_are_cut_as_by_clip(text: str) -> None:
    assert tokens_of(text) == SimpleTokenizer().encode(text)


THEIRS = SimpleTokenizer()
# It mends broken encodings first ("È½" is "Ƚ" to it), which is left out here.
THEIRS.clean_fn = lambda text: unicodedata.normalize("NFC", text).lower()


@given(st.text("abcDE'stm 019.,-é猫½\u0300\u0130", max_size=30))
def test_any_text_is_cut_as_by_clip(text: str) -> None:
    assert tokens_of(text) == THEIRS.encode(text)


def test_siglip_has_lower_case_without_punctuation() -> None:
    assert canonical("  A photo_of: “Löwe”, the CAT's\n!") == "a photo of “löwe” the cats"


def siglip_tokenizer(folder: Path, gemma: bool = False) -> Path:
    marks = ["<pad>", "<eos>", "<bos>", "<unk>"] if gemma else ["<pad>", "</s>", "<unk>"]
    words = {word: place for place, word in enumerate([*marks, "a", "cat", "the"])}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, "<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(folder / "tokenizer.json"))
    return folder / "tokenizer.json"


@pytest.mark.parametrize("gemma", [False, True], ids=["SigLIP", "SigLIP 2"])
def test_siglip_fills_all_places(gemma: bool, tmp_path: Path) -> None:
    cut = tokenizer_of(SIGLIP, siglip_tokenizer(tmp_path, gemma))
    ids, read = cut(["A cat!", "the cat the cat"])
    a = 4 if gemma else 3
    fill = 0 if gemma else 1  # SigLIP 2 has a mark of its own, SigLIP fills with that of the end
    assert ids.tolist() == [
        [a, a + 1, 1] + 9 * [fill],
        [a + 2, a + 1, a + 2, a + 1, 1] + 7 * [fill],
    ]
    assert read.tolist() == [11, 11]


def test_clips_own_tokenizer_beside_needs_no_package(tmp_path: Path) -> None:
    lines = gzip.decompress(resource("vocabularies", "clip_merges.txt.gz").read_bytes())
    merges: list[Any] = lines.decode().splitlines()
    for written in (merges, [line.split(" ") for line in merges]):  # of old and new versions
        file = tmp_path / "tokenizer.json"
        file.write_text(json.dumps({"model": {"merges": written}}))
        cut = tokenizer_of(CLIP, file)
        assert cut(["cat"])[0].tolist() == [[49406, *tokens_of("cat"), 49407]]


def test_another_tokenizer_beside_a_clip_is_used(tmp_path: Path) -> None:
    words = {"<|startoftext|>": 3, "<|endoftext|>": 8, "cat": 5, "<unk>": 0}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, "<unk>"))
    made.save(str(tmp_path / "tokenizer.json"))
    assert tokenizer_of(CLIP, tmp_path / "tokenizer.json")(["cat"])[0].tolist() == [[3, 5, 8]]


# --- From files ---


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    """A CLIP as OpenAI names it, with 2 x 4 patches."""
    tower = random_tower(CLIP)
    found: dict[str, Tensor] = {
        "visual.conv1.weight": torch.randn(24, 3, 4, 4),
        "visual.class_embedding": torch.randn(24),
        "visual.positional_embedding": torch.randn(9, 24),
        "visual.proj": torch.randn(24, 10),
        "logit_scale": torch.tensor(2.0),
    }
    for name in ("ln_pre", "ln_post"):
        found |= {f"visual.{name}.weight": torch.ones(24), f"visual.{name}.bias": torch.ones(24)}
    text = as_openai(tower)
    blocks = {f"visual.{n}": t for n, t in text.items() if n.startswith("transformer.")}
    return {name: tensor.clone().contiguous() for name, tensor in (found | text | blocks).items()}


def as_openai(tower: TextTransformer) -> dict[str, Tensor]:
    names = {
        "norm1": "ln_1", "norm2": "ln_2", "attn.qkv.": "attn.in_proj_",
        "attn.proj": "attn.out_proj", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    }  # fmt: skip
    found: dict[str, Tensor] = {
        "positional_embedding": tower.pos_embed.data,
        "token_embedding.weight": tower.tokens.weight.data,
        "ln_final.weight": tower.norm.weight.data,
        "ln_final.bias": tower.norm.bias.data,
        "text_projection": tower.proj.weight.data.T.contiguous(),
    }
    for name, tensor in tower.blocks.state_dict().items():
        for ours, theirs in names.items():
            name = name.replace(ours, theirs)
        found[f"transformer.resblocks.{name}"] = tensor
    return found


TOLD: dict[str, Any] = {
    "model_cfg": {
        "vision_cfg": {"width": 24, "head_width": 8, "image_size": [8, 16], "patch_size": 4},
        "text_cfg": {"heads": 3},
    }
}


def saved(state: dict[str, Tensor], folder: Path, told: dict[str, Any] | None = TOLD) -> Path:
    save_file(state, folder / "open_clip_model.safetensors")
    if told:
        (folder / "open_clip_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture
def clip(state: dict[str, Tensor], tmp_path: Path) -> Model:
    return load_model(saved(state, tmp_path), "cpu")


def test_words_become_vectors_of_length_one(clip: Model) -> None:
    assert "text" in clip.card.outline.gives
    assert "text" in clip.network.outline((8, 16)).gives
    found = vitviz.encode_text(clip, ["cat", "a dog", "cat"])
    assert found.shape == (3, 10)
    assert not found.flags.writeable
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-6)
    assert np.abs(found[0] - found[1]).max() > 0.01
    np.testing.assert_array_equal(found[0], found[2])
    ids = torch.tensor([[49406, *tokens_of("cat"), 49407]])
    true = random_tower(CLIP)(ids, torch.tensor([ids.shape[1] - 1]))[0]
    np.testing.assert_allclose(found[0], true / true.norm(), atol=1e-6)
    assert matching_of(clip) == (pytest.approx(np.exp(2.0)), 0.0, False)


def test_many_texts_are_as_each_by_itself(clip: Model) -> None:
    texts = [f"a number {i}" for i in range(40)]
    stages: list[float] = []
    found = encode_text(clip, texts, lambda stage, share: stages.append(share))
    np.testing.assert_allclose(found[37], encode_text(clip, ["a number 37"])[0], atol=1e-6)
    assert stages[-2:] == [0.0, 32 / 40]


def test_the_tower_is_read_when_it_is_asked_and_once(clip: Model) -> None:
    tower = text_tower(clip)
    assert text_tower(clip) is tower
    assert not any("token" in name for name in clip.network.state_dict() if name != "cls_token")


def test_half_precision_stays_where_it_is_a_table(state: dict[str, Tensor], tmp_path: Path) -> None:
    halves = {name: tensor.half() for name, tensor in state.items()}
    network = text_tower(load_model(saved(halves, tmp_path), "cpu")).network
    assert network.tokens.weight.dtype == torch.float16
    assert {p.dtype for n, p in network.named_parameters() if n != "tokens.weight"} == {
        torch.float32
    }


def test_a_card_tells_the_tower(clip: Model) -> None:
    assert from_json(to_json(clip.card)).config == clip.card.config
    assert clip.card.config.text == CLIP


def test_without_a_config_heads_are_assumed(state: dict[str, Tensor], tmp_path: Path) -> None:
    told = {"heads": 3}  # of the image tower alone
    (tmp_path / "open_clip_model.json").write_text(json.dumps(told))
    model = load_model(saved(state, tmp_path, None), "cpu")
    assert model.card.config.text is None  # 24 wide: heads of 64 there are none
    assert any("how many heads share a width of 24" in note for note in model.card.notes)
    assert load_model(saved(widened(state), tmp_path, None), "cpu").card.config.text.heads == 1


def widened(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same with a text tower 64 wide."""
    wide = random_tower(replace(CLIP, width=64, heads=1))
    found = {n: t for n, t in state.items() if not n.startswith(("transformer.", "ln_final"))}
    return found | as_openai(wide)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"logit_scale": None}, "logit_scale"),
        ({"ln_final.bias": None}, "missing"),
        ({"cls_emb": torch.zeros(24), "text_projection": torch.zeros(24, 11)}, "11 numbers"),
        ({"transformer.resblocks.0.attn.q_norm.weight": torch.ones(8)}, "unexpected"),
        ({"token_embedding.weight": torch.zeros(500, 24)}, "not CLIP's"),
    ],
    ids=["no scale", "a part missing", "another space", "an unknown part", "another vocabulary"],
)  # fmt: skip
def test_a_tower_that_is_not_read_is_named(
    change: dict[str, Tensor | None], words: str, state: dict[str, Tensor], tmp_path: Path
) -> None:
    changed = {n: t for n, t in {**state, **change}.items() if t is not None}
    model = load_model(saved(changed, tmp_path), "cpu")
    assert "text" not in model.card.outline.gives
    (note,) = [note for note in model.card.notes if "text tower" in note]
    assert words in note
    with pytest.raises(VitvizError, match="reads no texts"):
        encode_text(model, ["cat"])


def test_bert_is_named(state: dict[str, Tensor], tmp_path: Path) -> None:
    visual = {n: t for n, t in state.items() if n.startswith("visual.") or n == "logit_scale"}
    bert = {"text.transformer.embeddings.word_embeddings.weight": torch.zeros(9, 24)}
    model = load_model(saved({**visual, **bert}, tmp_path), "cpu")
    assert any("no transformer as CLIP" in note for note in model.card.notes)


@pytest.mark.parametrize("told", [{"pool_type": "last"}, {"no_causal_mask": True},
                                  {"pool_type": "eos"}], ids=str)  # fmt: skip
def test_another_way_of_reading_is_refused(
    told: dict[str, Any], state: dict[str, Tensor], tmp_path: Path
) -> None:
    cfg = TOLD["model_cfg"]
    other = {"model_cfg": {**cfg, "text_cfg": {"heads": 3, **told}}}
    model = load_model(saved(state, tmp_path, other), "cpu")
    assert any("pools or masks" in note for note in model.card.notes)


# --- Refusals ---


def test_texts_that_cannot_be_read(clip: Model) -> None:
    with pytest.raises(VitvizError, match="no words"):
        encode_text(clip, ["cat", "  "])
    with pytest.raises(VitvizError, match=r"longer than the model reads: 13 tokens of 12"):
        encode_text(clip, [" ".join(["cat"] * 11)])
    with pytest.raises(VitvizError, match="longer than the model reads"):
        encode_text(clip, ["cat" * 100_000])


def test_a_file_that_changed_is_not_mixed_with_what_was_read(clip: Model, tmp_path: Path) -> None:
    os.utime(tmp_path / "open_clip_model.safetensors", ns=(1, 1))
    with pytest.raises(CheckpointError, match="has changed since"):
        encode_text(clip, ["cat"])
    (tmp_path / "open_clip_model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="or is gone"):
        encode_text(clip, ["cat"])


def test_values_that_are_not_finite(state: dict[str, Tensor], tmp_path: Path) -> None:
    broken = {**state, "ln_final.bias": torch.full((24,), torch.nan)}
    model = load_model(saved(broken, tmp_path), "cpu")
    with pytest.raises(CheckpointError, match="not finite"):
        encode_text(model, ["cat"])


@pytest.mark.parametrize("scale", [torch.tensor(torch.nan), torch.zeros(2), torch.tensor(1e9)])
def test_a_scale_out_of_reason(scale: Tensor, state: dict[str, Tensor], tmp_path: Path) -> None:
    model = load_model(saved({**state, "logit_scale": scale}, tmp_path), "cpu")
    with pytest.raises(CheckpointError, match="no single number"):
        matching_of(model)


def test_siglip_without_its_tokenizer() -> None:
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        tokenizer_of(SIGLIP, None)


def test_the_package_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = siglip_tokenizer(tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(VitvizError, match="pip install tokenizers"):
        tokenizer_of(SIGLIP, file)


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    cut = tokenizer_of(replace(SIGLIP, vocabulary=4), siglip_tokenizer(tmp_path))
    with pytest.raises(CheckpointError, match="of another model"):
        cut(["cat"])
    with pytest.raises(CheckpointError, match="of another model"):
        tokenizer_of(CLIP, siglip_tokenizer(tmp_path))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"model": 3}', '{"model": {"merges": 3}}', "[" * 100_000, "\udcff",
     '{"version": "1.0", "model": {"type": "WordPiece", "vocab": {"a": -1}}}'],
    ids=range(8),
)  # fmt: skip
def test_hostile_tokenizers_are_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    for config in (CLIP, SIGLIP):
        with pytest.raises(CheckpointError, match="cannot be read"):
            tokenizer_of(config, file)


# --- Live models ---


def live() -> nn.Module:
    import open_clip

    vision = {"image_size": 32, "layers": 1, "width": 48, "patch_size": 16, "head_width": 16}
    text = {"context_length": 9, "vocab_size": 49_408, "width": 24, "heads": 3, "layers": 2}
    torch.manual_seed(0)
    model = open_clip.model.CLIP(embed_dim=12, vision_cfg=vision, text_cfg=text)
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape)
    return model.eval().requires_grad_(False)


def test_a_live_model_is_asked_for_words(photo: Any) -> None:
    module = live()
    found = load_object(module, photo, device="cpu")
    import open_clip

    ids = open_clip.tokenize(["a cat"], context_length=9)
    true = module.encode_text(ids, normalize=True).numpy()
    np.testing.assert_allclose(encode_text(found, ["a cat"]), true, atol=2e-6)


def test_a_live_model_that_reads_otherwise_is_refused(photo: Any) -> None:
    module = live()
    module.encode_text = lambda ids: -2 * torch.ones(len(ids), 12)
    with pytest.raises(CheckpointError, match="does not read texts as"):
        load_object(module, photo, device="cpu")


@pytest.fixture
def photo() -> Any:
    from vitviz.imaging.photo import Photo

    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    pixels.flags.writeable = False
    return Photo(pixels, None, "0" * 64)
