"""Numbers about maps: how far two of them agree, and where they differ."""
