"""Runs: what a kill, a full disk, other choices and a cancel leave."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.bench.nasty_checkpoints import archive_of
from tests.training.conftest import TEACHER
from vitviz.errors import Cancelled, CheckpointError, VitvizError
from vitviz.models.card import from_json
from vitviz.models.families import FAMILIES
from vitviz.models.loading import load_model
from vitviz.models.vit.family import VIT
from vitviz.progress import Progress, Stage
from vitviz.training.checkpoint import read_log, read_state, told
from vitviz.training.recipes import (
    DistilOptions,
    FinetuneOptions,
    Report,
)
from vitviz.training.runs import distil, finetune


@pytest.fixture
def distilling(teacher: Path, photos: Path, tmp_path: Path) -> DistilOptions:
    return DistilOptions(
        str(teacher), (photos,), tmp_path / "student", depth=2, embedding=3, end_to_end=8, steps=14,
        cool_down=4,
        full_size=4, batch=4, sides=(8, 16), measured_on=8, measure_every=5, save_every=3,
        device="cpu",
    )  # fmt: skip


@pytest.fixture
def tuning(teacher: Path, classes: Path, tmp_path: Path) -> FinetuneOptions:
    return FinetuneOptions(
        str(teacher), classes, tmp_path / "tuned", epochs=4, patience=0, batch=8, device="cpu"
    )


class Killed(BaseException):
    """What no handler expects, like a power cut."""


def dying(after: int, how: type[BaseException] = Killed) -> Progress:
    """Ends a run before the step after so many; opening photos does not count."""

    def progress(stage: Stage, fraction: float) -> None:
        if stage.kind == "step" and stage.number == after:
            raise how

    return progress


def lasting(folder: Path) -> dict[str, object]:
    """All that a run leaves which does not tell the time."""
    state = read_state(folder / "last.pt")
    lines = [
        {name: value for name, value in line.items() if name != "seconds"}
        for line in read_log(folder / "log.jsonl")
    ]
    result = next(folder.glob("*.safetensors")).read_bytes()
    return {"state": state, "log": lines, "result": result}


def assert_same(one: dict[str, object], other: dict[str, object]) -> None:
    assert one["log"] == other["log"]
    assert one["result"] == other["result"]
    states = []
    for run in (one, other):
        state = run["state"]
        assert isinstance(state, dict)
        tensors = {
            f"{part} {name}": tensor
            for part, named in (
                *state["optimiser"].items(),
                *((p, state[p]) for p in ("model", "average")),
            )
            for name, tensor in named.items()
        }
        states.append((state["step"], state["history"], state["sums"], tensors))
    assert states[0][:3] == states[1][:3]
    for name, tensor in states[0][3].items():
        assert torch.equal(tensor, states[1][3][name]), name


def test_a_killed_distillation_ends_as_one_that_was_not(
    distilling: DistilOptions, tmp_path: Path
) -> None:
    distil(distilling)
    whole = lasting(distilling.out)
    for after in (1, 4, 6, 7, 13):
        killed = replace(distilling, out=tmp_path / f"killed {after}" / "student")
        with pytest.raises(Killed):
            distil(killed, dying(after))
        distil(killed)
        assert_same(whole, lasting(killed.out))


def test_a_killed_fine_tuning_ends_as_one_that_was_not(
    tuning: FinetuneOptions, tmp_path: Path
) -> None:
    finetune(tuning)
    whole = lasting(tuning.out)
    for after in (1, 4, 10):
        killed = replace(tuning, out=tmp_path / f"killed {after}" / "tuned")
        with pytest.raises(Killed):
            finetune(killed, dying(after))
        finetune(killed)
        assert_same(whole, lasting(killed.out))


def test_a_cancelled_run_goes_on_where_it_was(distilling: DistilOptions, tmp_path: Path) -> None:
    distil(distilling)
    cancelled = replace(distilling, out=tmp_path / "elsewhere" / "student")
    with pytest.raises(Cancelled):
        distil(cancelled, dying(8, Cancelled))
    assert read_state(cancelled.out / "last.pt")["step"] == 8
    stages: list[Stage] = []
    distil(cancelled, lambda stage, fraction: stages.append(stage))
    assert next(stage for stage in stages if stage.kind == "step") == Stage("step", 8, 14)
    assert_same(lasting(distilling.out), lasting(cancelled.out))


def test_a_run_can_be_made_longer_and_its_last_stages_move(distilling: DistilOptions) -> None:
    with pytest.raises(Cancelled):
        distil(distilling, dying(9, Cancelled))
    distil(replace(distilling, steps=20))
    measured = [line["step"] for line in read_log(distilling.out / "log.jsonl") if len(line) == 2]
    assert measured == [0, 5, 10, 15, 20]
    for name, step in (("before-cool-down", 16), ("step-12", 12), ("last", 20)):
        assert read_state(distilling.out / f"{name}.pt")["step"] == step


def test_a_full_disk_leaves_the_last_checkpoint(
    distilling: DistilOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    distil(distilling)
    full = replace(distilling, out=tmp_path / "elsewhere" / "student")
    write = Path.write_bytes
    room = [6]

    def write_bytes(self: Path, data: bytes) -> int:
        room[0] -= 1
        if room[0] < 0:
            write(self, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        return write(self, data)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", write_bytes)
        with pytest.raises(VitvizError, match=r"could not be written: No space left on device"):
            distil(full)
    assert read_state(full.out / "last.pt")["step"] > 0
    assert not list(full.out.glob(".*"))
    distil(full)
    assert_same(lasting(distilling.out), lasting(full.out))


def test_a_log_that_cannot_be_written_says_so(
    distilling: DistilOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", refuse)
    from vitviz.training.checkpoint import append_line

    with pytest.raises(VitvizError, match="No space left on device") as raised:
        append_line(distilling.out / "log.jsonl", {})
    assert "goes on from the last checkpoint" in raised.value.hint


@pytest.mark.parametrize(
    ("change", "named"),
    [({"batch": 5}, "batch was 4, not 5"), ({"seed": 1}, "seed was 0, not 1"),
     ({"rate": 0.5}, "rate was 0.0005, not 0.5")],
)  # fmt: skip
def test_other_choices_do_not_go_on_with_a_run(
    distilling: DistilOptions, change: dict[str, int], named: str
) -> None:
    with pytest.raises(Cancelled):
        distil(distilling, dying(5, Cancelled))
    before = (distilling.out / "last.pt").read_bytes()
    with pytest.raises(VitvizError, match=named):
        distil(replace(distilling, **change))  # type: ignore[arg-type]
    assert (distilling.out / "last.pt").read_bytes() == before


def test_other_photos_do_not_go_on_with_a_run(
    tuning: FinetuneOptions, classes: Path, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        finetune(tuning, dying(5, Cancelled))
    fewer = Path(shutil.copytree(classes, tmp_path / "fewer"))
    (fewer / "reds" / "4.png").unlink()
    with pytest.raises(VitvizError, match="photos was"):
        finetune(replace(tuning, folder=fewer))
    moved = Path(shutil.copytree(classes, tmp_path / "moved"))
    finetune(replace(tuning, folder=moved))


def test_a_damaged_checkpoint_is_refused(distilling: DistilOptions) -> None:
    distilling.out.mkdir()
    (distilling.out / "last.pt").write_bytes(b"nothing")
    with pytest.raises(VitvizError, match="no checkpoint of a run"):
        distil(distilling)


def test_lines_of_a_log_that_are_none_are_left_out(tmp_path: Path) -> None:
    good = ['{"step": 1, "loss": NaN}', '{"step": 2, "measured": {"accuracy": 0.5}}']
    bad = ["[1]", "{", '{"loss": 1}', '{"step": true}', '{"step": 3, "step": 4}',
           '{"step": 5, "measured": {"accuracy": "high"}}', "[" * 10_000]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("\n".join([good[0], *bad, good[1]]), encoding="utf-8")
    first, second = read_log(tmp_path / "log.jsonl")
    assert type(first["step"]) is int
    assert math.isnan(first["loss"])
    assert second == {"step": 2, "measured": {"accuracy": 0.5}}


@pytest.mark.parametrize("state", [
    {}, {"facts": "{}"}, {"facts": torch.zeros(1), "history": "[]"},
    {"facts": "[]", "history": "[]"}, {"facts": "{}", "history": '[{"step": "1"}]'},
    {"facts": '{"a": 1, "a": 1}', "history": "[]"}, {"facts": '{"a": NaN}', "history": "[]"},
])  # fmt: skip
def test_texts_in_a_checkpoint_that_are_damaged_are_refused(state: dict[str, object]) -> None:
    with pytest.raises(VitvizError, match=r"last\.pt is damaged"):
        told(state, Path("last.pt"))


def test_a_checkpoint_that_would_run_code_is_refused(
    distilling: DistilOptions, tmp_path: Path
) -> None:
    distilling.out.mkdir()
    torch.save({"format": 1, "facts": tmp_path}, distilling.out / "last.pt")
    with pytest.raises(VitvizError, match="no checkpoint of a run"):
        distil(distilling)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"depth": 3}, r"3 blocks cannot learn block by block from 4.* Give one of 1, 2, 4"),
        ({"depth": 5}, "5 blocks cannot learn"),
        ({"sides": (8, 10)}, r"10 pixels cannot be cut into patches of 4"),
        ({"steps": 0}, "The steps"),
        ({"cool_down": 15}, "The cool down"),
        ({"teacher": "nobody"}, 'no model called "nobody"'),
        ({"photos": (Path("nowhere"),)}, "neither a folder nor a zip"),
    ],
)
def test_what_cannot_be_distilled_is_refused(
    distilling: DistilOptions, change: dict[str, object], said: str
) -> None:
    with pytest.raises(VitvizError, match=said):
        distil(replace(distilling, **change))  # type: ignore[arg-type]
    assert not list(distilling.out.glob("*"))


def test_a_teacher_of_another_width_than_its_card_is_refused(
    distilling: DistilOptions, teacher: Path, tmp_path: Path
) -> None:
    other = Path(shutil.copy(teacher, tmp_path / "wide.safetensors"))
    card = json.loads(teacher.with_suffix(".json").read_text(encoding="utf-8"))
    del card["parameters"]
    card["width"] = 48
    other.with_suffix(".json").write_text(json.dumps(card), encoding="utf-8")
    with pytest.raises(CheckpointError, match="does not agree with its weights: it says width 48"):
        distil(replace(distilling, teacher=str(other)))


def test_going_on_with_a_teacher_of_another_width_is_refused(
    distilling: DistilOptions, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    from tests.models.networks import random_network

    with pytest.raises(Cancelled):
        distil(distilling, dying(5, Cancelled))
    wide = random_network(replace(TEACHER, width=30))
    path = tmp_path / "wide.safetensors"
    save_file({name: t.contiguous() for name, t in wide.state_dict().items()}, path)
    card = json.loads(Path(distilling.teacher).with_suffix(".json").read_text(encoding="utf-8"))
    del card["parameters"]
    path.with_suffix(".json").write_text(json.dumps(card | {"width": 30}), encoding="utf-8")
    with pytest.raises(VitvizError, match="teacher was"):
        distil(replace(distilling, teacher=str(path)))


def test_a_family_that_is_not_trained_yet_is_refused(
    distilling: DistilOptions, tuning: FinetuneOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FAMILIES, "other", VIT)
    monkeypatch.setitem(FAMILIES, "vit", replace(VIT, title="Toy Network", training=None))
    for run in (lambda: distil(distilling), lambda: finetune(tuning)):
        with pytest.raises(VitvizError, match=r"does not make .* Toy Network yet") as raised:
            run()
        assert raised.value.hint == "Choose a Vision Transformer."
    assert not distilling.out.exists()
    assert not tuning.out.exists()


def test_a_result_inside_its_class_folders_is_refused(tuning: FinetuneOptions) -> None:
    with pytest.raises(VitvizError, match="would be taken for a class"):
        finetune(replace(tuning, out=tuning.folder / "out"))


def test_a_student_opens_like_any_model(distilling: DistilOptions) -> None:
    path = distil(distilling)
    assert path == distilling.out / "student.safetensors"
    model = load_model(path, "cpu")
    assert (model.card.config.depth, model.card.config.width) == (2, TEACHER.width)
    assert "4 photos each" in model.card.trained_by
    assert "CC0-1.0" in model.card.licence
    measured = read_log(distilling.out / "log.jsonl")[-1]["measured"]
    assert dict(model.card.measured).popitem()[1] == f"{measured['among five']:.3f}"


def test_fine_tuning_learns_names_its_classes_and_keeps_every_epoch(
    tuning: FinetuneOptions,
) -> None:
    reports: list[Report] = []
    path = finetune(replace(tuning, epochs=12, rate=0.02), report=reports.append)
    model = load_model(path, "cpu")
    assert model.card.class_names == ("blues", "greens", "reds")
    epochs = [report for report in reports if report.measured]
    assert [report.epoch for report in epochs] == list(range(13))
    accuracies = [dict(report.measured)["accuracy"] for report in epochs]
    assert accuracies[0] == pytest.approx(1 / 3)
    assert max(accuracies) == 1
    assert dict(model.card.measured).popitem()[1] == "0.333"
    for report in epochs:
        assert report.snapshot is not None
        assert load_model(report.snapshot, "cpu").card.class_names == model.card.class_names
    best = epochs[max(range(13), key=accuracies.__getitem__)].snapshot
    assert best is not None
    assert f"{max(accuracies):.3f}" in from_json(best.with_suffix(".json").read_text()).measured[0]


def test_fine_tuning_the_head_changes_nothing_else(tuning: FinetuneOptions) -> None:
    path = finetune(replace(tuning, freeze="all but the head", snapshots=False))
    tuned = load_model(path, "cpu").network.state_dict()
    for name, tensor in load_model(tuning.model, "cpu").network.state_dict().items():
        if not name.startswith("head"):
            torch.testing.assert_close(tuned[name], tensor.half().float())
    assert not (tuning.out / "epochs").exists()


def test_fine_tuning_ends_early(tuning: FinetuneOptions) -> None:
    finetune(replace(tuning, epochs=50, patience=2, rate=1e-9, snapshots=False))
    history = json.loads(read_state(tuning.out / "last.pt")["history"])
    assert 3 <= len(history) < 20


def test_photos_that_were_left_out_are_listed(tuning: FinetuneOptions, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tuning.folder, tmp_path / "some"))
    (folder / "reds" / "broken.png").write_bytes(b"no photo")
    finetune(replace(tuning, folder=folder, epochs=1))
    assert "reds/broken.png" in (tuning.out / "refused.txt").read_text(encoding="utf-8")


def test_a_checkpoint_that_would_never_end_is_refused(tmp_path: Path) -> None:
    endless = b"\x80\2}" + b")q\0" + b"h\0\x86q\0" * 60 + b"K\1s."
    (tmp_path / "last.pt").write_bytes(archive_of(endless))
    with pytest.raises(VitvizError, match="no checkpoint of a run"):
        read_state(tmp_path / "last.pt")
