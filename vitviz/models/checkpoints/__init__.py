"""Checkpoint files: what is in them, whatever wrote them; hostile until parsed."""
