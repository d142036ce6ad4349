"""The Swin Transformer, versions 1 and 2."""
