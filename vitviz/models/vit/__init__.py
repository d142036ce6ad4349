"""The Vision Transformer and its close relatives."""
