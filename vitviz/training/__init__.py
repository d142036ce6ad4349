"""How models are made: distilled from a teacher, or fine-tuned on folders of photos."""
