"""How checkpoints name the parameters of Vision Transformers: one reader a file."""
