"""Who computes what was chosen: from a photo and a model to an explanation."""
