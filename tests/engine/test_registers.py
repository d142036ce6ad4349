"""Test-time registers through the engine, the captions and the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from tests.models.networks import SMALL, random_network
from tests.samples import CARD, request_for, save_photo
from vitviz.__main__ import main
from vitviz.engine.engine import Engine
from vitviz.engine.requests import DecodeRequest, ExplainRequest, RegistersRequest, TrustRequest
from vitviz.errors import VitvizError
from vitviz.exporting.provenance import facts
from vitviz.imaging.preprocess import InputChoice
from vitviz.models.card import to_json
from vitviz.probing.ablation import Ablation, Registers
from vitviz.session.panes import for_model
from vitviz.session.state import PhotoRef, View
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map
from vitviz.wording.registers import found_words


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A checkpoint without registers: 3 x 5 patches, CLS and dist."""
    config = replace(SMALL, prefix=("cls", "dist"), positioned_prefix=2)
    path = tmp_path / "plain.safetensors"
    save_file(dict(random_network(config).state_dict()), path)
    path.with_suffix(".json").write_text(to_json(replace(CARD, config=config)), encoding="utf-8")
    return path


def asked(photos: list[Path], model: Path, **more: object) -> RegistersRequest:
    refs = tuple(PhotoRef(str(photo)) for photo in photos)
    request = RegistersRequest(
        refs, (255, 255, 255), str(model), InputChoice(), 4, 1.0, device="cpu"
    )
    return replace(request, **more)


def view_with(registers: Registers) -> View:
    return View(ablation=Ablation(registers=registers))


def test_found_neurons_make_another_network(photo: Path, plain: Path, tmp_path: Path) -> None:
    engine = Engine()
    (tmp_path / "broken.png").write_bytes(b"no photo")
    photos = [photo, save_photo(tmp_path / "b.png", 2), tmp_path / "broken.png"]
    found = engine.answer(asked(photos, plain))
    registers = found.registers
    assert len(registers.neurons) == 4
    assert (registers.bound, registers.photos) == (1.0, 2)
    assert "takes over 4 neurons of layer" in found_words(found)
    assert "on 2 of 3 photos" in found_words(found)
    assert engine.answer(asked(photos, plain)).registers == registers
    whole = engine.answer(request_for(photo, plain))
    cell = engine.answer(request_for(photo, plain, view_with(registers)))
    assert np.abs(cell.probabilities - whole.probabilities).max() > 0
    assert cell.change.before != cell.change.after
    assert cell.outline.prefix == ("cls", "dist", "reg1")
    view = view_with(registers)
    words = caption(describe_map(cell, view))
    assert "intervention: test-time register of 4 neurons" in words
    assert "on REG1, not shown" in words
    assert "intervention" in facts(cell, view).caption
    again = engine.answer(request_for(photo, plain))
    np.testing.assert_array_equal(again.probabilities, whole.probabilities)
    trust = engine.answer(TrustRequest(cell.request, orders=4))
    assert trust.judgement.references.whole == pytest.approx(cell.probabilities[trust.target])


def test_registers_of_other_weights_are_refused(photo: Path, plain: Path) -> None:
    engine = Engine()
    other = Registers(((0, 1),), "0" * 64)
    with pytest.raises(VitvizError, match="other weights than those of Small"):
        engine.answer(request_for(photo, plain, view_with(other)))
    assert not for_model(view_with(other)).ablation.registers


def test_what_cannot_be_is_said(photo: Path, plain: Path, checkpoint: Path) -> None:
    engine = Engine()
    with pytest.raises(VitvizError, match="No patch of 1 photo is an outlier") as caught:
        engine.answer(asked([photo], plain, bound=1e5))
    assert "lower the bound" in caught.value.hint
    with pytest.raises(VitvizError, match="registers of its own"):
        engine.answer(asked([photo], checkpoint))
    with pytest.raises(VitvizError, match="no photo"):
        engine.answer(asked([], plain))
    with pytest.raises(VitvizError, match="There is no file"):
        engine.answer(asked([plain.with_name("none.png")], plain))


def test_a_decoder_is_not_asked_with_a_register(photo: Path, plain: Path) -> None:
    engine = Engine()
    registers = engine.answer(asked([photo], plain)).registers
    request: ExplainRequest = request_for(photo, plain)
    decode = DecodeRequest(
        request.photo, request.background, request.model, request.input,
        ablation=Ablation(registers=registers),
    )  # fmt: skip
    with pytest.raises(VitvizError, match="has no decoder"):
        engine.answer(decode)


def test_the_command_line(
    photo: Path, plain: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    given = ["explain", str(photo), "--model", str(plain), "--method", "attention", "--device",
             "cpu", "--registers", "3", "--registers-above", "1", "--out", str(out)]  # fmt: skip
    assert main([*given, "--format", "png"]) == 0
    said = capsys.readouterr().out
    assert "A test-time register takes over 3 neurons of layer" in said
    assert "intervention: test-time register of 3 neurons" in said
    (picture,) = out.iterdir()
    with Image.open(picture) as image:
        told = json.loads(next(v for v in image.text.values() if "vitviz_provenance" in v))
    assert "intervention" in told["maps"][0]["caption"]
    assert len(told["session"]["view"]["ablation"]["registers"]["neurons"]) == 3
    assert main([*given[:-6], "--registers", "3", "--registers-above", "1e5"]) == 1
    assert "No patch of 1 photo is an outlier" in capsys.readouterr().err
