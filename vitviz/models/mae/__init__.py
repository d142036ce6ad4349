"""Masked autoencoders: a Vision Transformer, and a decoder that makes pixels of its tokens."""
