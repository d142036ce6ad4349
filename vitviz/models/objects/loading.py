"""From a live model to one that vitviz can trace, and the proof that both are the same.

The object is saved as its library would save it, and opened as any checkpoint is: one way to read
networks, whatever they come in.
"""

from __future__ import annotations

import json
import math
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vitviz.errors import CheckpointError
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice, fit, model_input
from vitviz.models.card import to_json
from vitviz.models.loading import Model, choose_device, load_model
from vitviz.models.objects import facts
from vitviz.models.objects.outputs import (
    has_hooks,
    outputs,
    still_copy,
    text_outputs,
    unwrapped,
)
from vitviz.models.words import text_tower
from vitviz.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor, nn

CLOSE = 5e-5
"""Of what a photo changes in the outputs: as much as float32 differs by the order of additions in
deep networks. Another activation differs more (GELU's two forms: 2e-4)."""


@dataclass(frozen=True, eq=False, repr=False)
class ObjectModel(Model):
    """A model that was made of a live one.

    Args:
        difference: The largest between the outputs of both, for one photo.
        scale: The largest number that the live one put out.
        photo: Which photo.
        own_notes: What is to be known of the two.
    """

    difference: float = 0.0
    scale: float = 0.0
    photo: str = ""
    own_notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        outline = self.card.outline
        return (
            f"<vitviz model: {self.card.title}, {outline.depth} layers, "
            f"{outline.parameters:,} parameters; {self.equality}>"
        )

    @property
    def equality(self) -> str:
        """ "equal to your model within 3e-06 (outputs up to 12.4, photo coffee.jpg)"."""
        return equality(self.difference, self.scale, self.photo)


def equality(difference: float, scale: float, photo: str) -> str:
    """How near two models are, in words."""
    how = f"within {difference:.0e}" if difference else "to the last digit"
    return f"equal to your model {how} (outputs up to {scale:.3g}, photo {photo})"


def load_object(
    module: nn.Module,
    photo: Photo,
    *,
    device: str = "auto",
    preprocessing: object = None,
    progress: Progress = silent,
) -> ObjectModel:
    """A live model, if vitviz computes the same as it does.

    Args:
        module: Of timm, transformers, torchvision, open_clip, torch.hub's DINO, or one with the
            names of one of them. It stays as it is: mode, device, gradients, hooks.
        photo: That both are shown.
        device: As for ``load_model``.
        preprocessing: What photos are prepared with, where the object does not know it; as for
            ``facts.preprocessing_configs``.
        progress: Told how far it is.

    Raises:
        CheckpointError: It is of no family that vitviz reads, or puts out something else than
            vitviz does.
    """
    with tempfile.TemporaryDirectory(prefix="vitviz-object-") as folder:
        model, _ = save_object(module, photo, Path(folder), device=device,
                               preprocessing=preprocessing, progress=progress)  # fmt: skip
        if "text" in model.card.outline.gives:
            text_tower(model, progress)  # its file is gone afterwards
        return model


def save_object(
    module: nn.Module,
    photo: Photo,
    folder: Path,
    *,
    device: str = "auto",
    preprocessing: object = None,
    progress: Progress = silent,
) -> tuple[ObjectModel, Path]:
    """As ``load_object``; what was read stays in a folder, as a checkpoint, whose file is given."""
    given, chosen = unwrapped(module), choose_device(device)
    still = still_copy(given)
    title = title_of(given)
    weights = folder / f"{re.sub(r'[^a-zA-Z0-9_.-]+', '-', title)[:80] or 'model'}.safetensors"
    _save(still, given, weights, preprocessing)
    told, first = facts.told(given), None
    # Not every family has all of these fields, nor can every configuration have a card.
    tries: list[dict[str, Any] | None] = [*([told] if told else []), {}, None]
    for fields in tries:
        _write_card(weights, given, fields, ())
        try:
            model = load_model(weights, "cpu", progress)  # where the object's copy is
            found = compare(model, still, photo)
            if found.is_equal:
                _check_texts(model, still, title)
                made = _named(model, given, found, photo, chosen)
                _write_card(weights, given, fields, made.own_notes)
                return made, weights
            first = first or _different(title, found, photo)
        except CheckpointError as refused:
            # Nobody has heard of the file that the object was saved as.
            words = refused.message.replace(weights.name, title)
            first = first or CheckpointError(words, refused.hint)
    assert first is not None
    raise first


def save_model(model: Model, folder: Path) -> Path:
    """A loaded model as a checkpoint with its card, in vitviz's own names; gives its file."""
    from safetensors.torch import save_file

    weights = folder / "model.safetensors"
    tensors = {n: value.cpu().contiguous() for n, value in model.network.state_dict().items()}
    save_file(tensors, weights)
    card = replace(model.card, sha256="", bytes=0, keys="", dtype="")
    weights.with_suffix(".json").write_text(to_json(card), encoding="utf-8")
    return weights


def _write_card(
    weights: Path, given: nn.Module, fields: dict[str, Any] | None, notes: tuple[str, ...]
) -> None:
    """The card of an object with these fields of its network; None: no card at all."""
    if fields is None:
        weights.with_suffix(".json").unlink(missing_ok=True)
        return
    said = {"title": title_of(given)[:200], "source": _source(given), "notes": notes, "outputs": ""}
    _write(weights.with_suffix(".json"), {**said, **fields})


def _named(
    model: Model, given: nn.Module, found: Comparison, photo: Photo, device: str
) -> ObjectModel:
    words = equality(found.difference, found.scale, name_of(photo))
    own = [f"{words[0].upper()}{words[1:]}."]
    if "decoder" in model.card.outline.gives:
        own.append("What its decoder makes of hidden patches was not compared.")
    if has_hooks(given):
        own.append("It has forward hooks in Python, which are not run here.")
    card = replace(
        model.card,
        id=title_of(given),
        title=title_of(given),
        source=_source(given),
        notes=(*model.card.notes, *own),
    )
    return ObjectModel(
        card=card,
        network=model.network.to(device),
        device=device,
        source=model.source,
        difference=found.difference,
        scale=found.scale,
        photo=name_of(photo),
        own_notes=tuple(own),
    )


def _save(still: nn.Module, given: nn.Module, weights: Path, preprocessing: object) -> None:
    from safetensors.torch import save_file

    # Tensors that share memory (tied weights) and views are written as what they show.
    tensors = {name: value.clone().contiguous() for name, value in still.state_dict().items()}
    save_file(tensors, weights)
    files = facts.configs(given)
    if preprocessing is not None:
        try:
            files |= facts.preprocessing_configs(preprocessing)
        except ValueError as error:
            raise CheckpointError(
                f"How photos are prepared cannot be taken over: {error}.",
                "Give an image processor of transformers, transforms of torchvision, or a dict of "
                "image_mean, image_std, size and crop_size.",
            ) from error
    for name, values in files.items():
        _write(weights.with_name(name), values)


def _write(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values), encoding="utf-8")


class Comparison(NamedTuple):
    """How near a live model and vitviz's own are.

    Args:
        difference: The largest, for a photo and for nothing at all.
        scale: The largest number that the live model puts out for the photo.
        effect: How much of it depends on there being the photo.
    """

    difference: float
    scale: float
    effect: float

    @property
    def is_equal(self) -> bool:
        """Whether they compute the same; what does not depend on the photo proves nothing."""
        return self.difference <= CLOSE * self.effect


def compare(model: Model, still: nn.Module, photo: Photo) -> Comparison:
    """What both put out for a photo, and for an input of the mean colour.

    Of several things that the live model puts out (logits, an embedding, tokens) the one that is
    nearest is compared: a network that differed would be near in none of them.

    Raises:
        CheckpointError: It puts out nothing that is as long, or the same whatever it is shown.
    """
    import torch

    wants = model.card.preprocessing
    image = torch.from_numpy(
        model_input(photo, fit(photo.size, wants, InputChoice()), wants).copy()
    )
    images = image[None], torch.zeros_like(image[None])
    theirs = [outputs(still, one) for one in images]
    ours = [run(model, one) for one in images]
    found = [
        Comparison(
            max(_largest(of[name] - own) for of, own in zip(theirs, ours, strict=True)),
            _largest(value),
            _largest(value - theirs[1][name]),
        )
        for name, value in theirs[0].items()
        if value.shape == ours[0].shape
    ]
    if not found:
        lengths = ", ".join(f"{name} ({value.shape[1]})" for name, value in theirs[0].items())
        raise CheckpointError(
            f"vitviz makes {ours[0].shape[1]} numbers of a photo, and the model {lengths}.",
            "Give the model as its library makes it.",
        )
    if not any(one.effect > 0 for one in found):
        raise CheckpointError(
            "The model puts out the same for a photo and for none, so that nothing shows whether "
            "vitviz computes what it does.",
            "Give the trained model, or the one below a classifier that is still zero.",
        )
    return min(found, key=lambda one: one.difference / one.effect if one.effect > 0 else math.inf)


def _check_texts(model: Model, still: nn.Module, title: str) -> None:
    """Refuses a model whose text tower does not compute what the live one's does."""
    if "text" not in model.card.outline.gives:
        return
    tower = text_tower(model)
    found = text_outputs(still, tower.config)
    if found is None:
        return
    ids, read, theirs = found
    ours = tower.network(ids, read)
    lengths = theirs.norm(dim=-1)
    if not float(((ours - theirs).norm(dim=-1) / lengths).max()) <= CLOSE:
        raise CheckpointError(
            f"vitviz does not read texts as {title} does: the same tokens give other vectors.",
            "Give its image tower alone (model.visual, model.vision_model).",
        )


def _largest(values: Tensor) -> float:
    """Infinity where one is no number."""
    largest = float(values.abs().max())
    return largest if math.isfinite(largest) else math.inf


def run(model: Model, image: Tensor) -> Tensor:
    """What vitviz's own network puts out, on the CPU."""
    import torch

    from vitviz.models.network import softmax_attention

    network = model.network
    with torch.inference_mode():
        z = network.embed(image.to(model.device))
        for step in network.steps((image.shape[2], image.shape[3])):
            z = step(z, softmax_attention)
        return network.classify(z).float().cpu()


def _different(title: str, found: Comparison, photo: Photo) -> CheckpointError:
    return CheckpointError(
        f"vitviz does not compute what {title} does: for {name_of(photo)} the outputs differ "
        f"by {found.difference:.1e}, where the largest is {found.scale:.3g}. Its maps would be of "
        "another network.",
        "If its forward was changed, give the model it was made of. Else save its state dict and "
        "open that with corrections (heads, activation, pooling).",
    )


def name_of(photo: Photo) -> str:
    """What a photo is called."""
    return photo.path.name if photo.path else "of pixels"


def title_of(module: nn.Module) -> str:
    """What to call it: its architecture, where it says one."""
    cfg = getattr(module, "pretrained_cfg", None)
    if isinstance(cfg, dict) and cfg.get("architecture"):
        tag = f".{cfg['tag']}" if cfg.get("tag") else ""
        return f"{cfg['architecture']}{tag}"
    config = getattr(module, "config", None)
    if path := str(getattr(config, "_name_or_path", "") or ""):
        return path.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return type(module).__name__


def _source(module: nn.Module) -> str:
    return f"a model in Python: {type(module).__module__}.{type(module).__qualname__}"[:2000]
