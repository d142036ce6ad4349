"""How checkpoints name the parameters of masked autoencoders: one reader a file."""
