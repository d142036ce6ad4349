"""Models that somebody holds in Python: read as their checkpoints are, and compared with them."""
