"""How the model comes to its answer: the paper's steps with the photo's own numbers."""
