"""What long work is at, in words."""

from __future__ import annotations

from vitviz.progress import Kind, Stage

WORDS: dict[Kind, str] = {
    "starting": "Getting ready",
    "waiting": "Waiting for another pane",
    "opening_photo": "Opening the photo",
    "preparing_photo": "Preparing the photo",
    "opening_photos": "opening photo {number:,} of {of:,}",
    "counting_photos": "Counting the photos",
    "files": "file {number:,} of {of:,}",
    "loading_torch": "Loading PyTorch",
    "loading_model": "Loading the model",
    "reading_weights": "reading the weights",
    "checking_weights": "checking",
    "building_network": "building the network",
    "model_ready": "ready",
    "block": "block {number:,} of {of:,}",
    "gradient_block": "gradient, block {number:,} of {of:,}",
    "method": "{name}",
    "method_layer": "{name}, layer {number:,} of {of:,}",
    "removing": "without some patches, {number:,} of {of:,}",
    "looking_up": "Taking what is there",
    "computing_heads": "Computing the heads",
    "opening_table": "Opening the table",
    "arranging_table": "Sorting the table",
    "writing_spec": "Writing the work spec",
    "arranging_figure": "Arranging the figure",
    "drawing_figure": "Drawing the figure",
    "embedding_fonts": "Embedding fonts",
    "writing_figure": "Writing the figure",
    "drawing_frames": "Drawing the frames",
    "writing_frames": "Writing the frames",
    "writing_file": "Writing the file",
    "step": "step {number:,} of {of:,}",
    "asking_hub": "Asking for size and licence",
    "downloading": "{number:,} of {of:,} MB",
    "checking_download": "checking what came",
    "looking_for_models": "Looking for models",
    "reading_texts": "reading text {number:,} of {of:,}",
}


def stage_words(stage: Stage) -> str:
    """ "block 3 of 12", "gradient rollout, layer 2 of 12", "Loading PyTorch"."""
    name = stage.name.replace("-", " ")
    return WORDS[stage.kind].format(number=stage.number + 1, of=stage.of, name=name)
