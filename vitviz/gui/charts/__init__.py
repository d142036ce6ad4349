"""Charts as they are painted: the same code for those of a model, of trust and of a training."""
