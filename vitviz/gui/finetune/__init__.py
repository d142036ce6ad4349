"""Model > Fine-Tune: its dialog, its chart, its commands."""
