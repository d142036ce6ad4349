"""The recipe that makes the bundled model, and fine-tuning."""
