"""File > Batch: its dialog and its commands."""
