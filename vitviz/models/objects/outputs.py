"""What a live model puts out for an input: from a copy, so that nothing of it is changed."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

from vitviz.errors import CheckpointError
from vitviz.models.text.config import TextConfig
from vitviz.shapes import Float, Int

if TYPE_CHECKING:
    from torch import Tensor, nn

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def unwrapped(module: nn.Module) -> nn.Module:
    """The model inside what torch puts around one: ``torch.compile``, ``DataParallel``."""
    inside = getattr(module, "_orig_mod", None)
    if inside is None and type(module).__name__ in ("DataParallel", "DistributedDataParallel"):
        inside = module.module
    return module if inside is None else unwrapped(inside)


def still_copy(module: nn.Module) -> nn.Module:
    """A copy on the CPU in float32 and evaluation mode, without hooks and without gradients.

    Raises:
        CheckpointError: It cannot be copied, or has no weights.
    """
    import torch
    from torch.nn.utils import parametrize

    if any(tensor.is_meta for tensor in module.state_dict().values()):
        raise CheckpointError(
            "The model is on the meta device: it has shapes and no weights.",
            "Load its weights first.",
        )
    try:
        with torch.no_grad():
            made = copy.deepcopy(module)
    except (RuntimeError, TypeError) as error:
        raise CheckpointError(
            f"The model cannot be copied: {error}.",
            "Save its state dict, torch.save(model.state_dict(), 'weights.pth'), and open that.",
        ) from error
    for part in made.modules():
        for hooks in HOOKS:
            getattr(part, hooks).clear()
        if parametrize.is_parametrized(part):
            for name in list(part.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(part, name, leave_parametrized=True)
    return made.to(device="cpu", dtype=torch.float32).eval().requires_grad_(False)


def has_hooks(module: nn.Module) -> bool:
    """Whether somebody has put hooks on it that may change what it puts out."""
    return any(
        getattr(part, hooks) for part in module.modules() for hooks in HOOKS[:2]
    )  # fmt: skip


def outputs(
    module: nn.Module, image: Float[Tensor, "1 3 height width"]
) -> dict[str, Float[Tensor, "1 numbers"]]:
    """All that a still copy puts out that may be compared: logits, embeddings, pooled tokens.

    Raises:
        CheckpointError: It does not take the image, or puts out nothing of the kind.
    """
    import torch

    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            given = _call(module, image)
    except Exception as error:  # whatever somebody's own code raises
        raise CheckpointError(
            f"The model does not take the photo: {type(error).__name__}: {error}.",
            "vitviz gives it one photo, prepared as a tensor of 1 x 3 x "
            f"{image.shape[2]} x {image.shape[3]}.",
        ) from error
    found = {name: value.float() for name, value in _vectors(given).items() if len(value) == 1}
    if not found:
        raise CheckpointError(
            f"The model puts out a {type(given).__name__}, in which vitviz finds no numbers to "
            "compare.",
            "Give the model that has the classifier or the features.",
        )
    return found


class TextOutputs(NamedTuple):
    """What a model of images and texts makes of some tokens.

    Args:
        ids: The tokens.
        read: Where each text is read.
        vectors: Not brought to length 1.
    """

    ids: Int[Tensor, "texts tokens"]
    read: Int[Tensor, " texts"]
    vectors: Float[Tensor, "texts numbers"]


def text_outputs(module: Any, config: TextConfig) -> TextOutputs | None:
    """What a still copy makes of texts; None where it cannot be asked.

    Args:
        module: It.
        config: Of its text tower.
    """
    import torch

    end = config.vocabulary - 1
    own = getattr(getattr(getattr(module, "config", None), "text_config", None), "eos_token_id", 2)
    if type(own) is int and own != 2 and own < config.vocabulary:  # 2: transformers takes the last
        end = own
    length = config.context
    ids = torch.arange(3 * length).reshape(3, length) * 7919 % max(config.vocabulary - 4, 1) + 3
    read = torch.tensor([length - 1, length // 2, min(2, length - 1)])
    if not config.causal:
        read = torch.full((3,), length - 1)
    else:
        ids[torch.arange(3), read] = end
    with torch.inference_mode():
        if hasattr(module, "get_text_features"):
            given = module.get_text_features(input_ids=ids)
            return TextOutputs(ids, read, getattr(given, "pooler_output", given).float())
        if hasattr(module, "encode_text"):
            return TextOutputs(ids, read, module.encode_text(ids).float())
    return None


def _call(module: Any, image: Tensor) -> Any:
    config = getattr(module, "config", None)
    if hasattr(config, "vision_config") and hasattr(module, "get_image_features"):
        return module.get_image_features(pixel_values=image)
    if hasattr(module, "encode_image"):  # OpenAI's and OpenCLIP's
        return module.encode_image(image)
    if hasattr(config, "mask_ratio") and hasattr(module, "vit"):
        module = module.vit  # the encoder: a decoder puts out pixels
    if hasattr(config, "to_dict"):  # transformers'
        return module(pixel_values=image, **_unmasked(module, image))
    return module(image)


def _unmasked(module: Any, image: Tensor) -> dict[str, Any]:
    """A masked autoencoder is to see all patches, in their order; the copy may be told so."""
    if not hasattr(module.config, "mask_ratio"):
        return {}
    import torch

    for part in module.modules():
        if hasattr(part, "config") and hasattr(part.config, "mask_ratio"):
            part.config.mask_ratio = 0.0
    patch = module.config.patch_size
    count = (image.shape[2] // patch) * (image.shape[3] // patch)
    return {"noise": torch.arange(count, dtype=torch.float32)[None]}


def _vectors(given: Any) -> dict[str, Tensor]:
    """One vector an image, by name: tensors as they are, and tokens by their first and mean."""
    import torch

    if isinstance(given, torch.Tensor):
        return _of_tensor("output", given)
    if isinstance(given, tuple | list):
        given = {f"output {number + 1}": value for number, value in enumerate(given)}
    if not hasattr(given, "items"):
        return {}
    found: dict[str, Tensor] = {}
    for name, value in given.items():
        if isinstance(value, torch.Tensor):
            found |= _of_tensor(str(name), value)
    return found


def _of_tensor(name: str, value: Tensor) -> dict[str, Tensor]:
    if value.ndim == 2:
        return {name: value}
    if value.ndim == 3:  # tokens
        return {f"{name}, first token": value[:, 0], f"{name}, mean": value.mean(1)}
    if value.ndim == 4:  # channels first
        return {f"{name}, mean": value.mean((2, 3))}
    return {}
