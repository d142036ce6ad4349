"""How checkpoints name the parameters of Swin Transformers: one reader a file."""
