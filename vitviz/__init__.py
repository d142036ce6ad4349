"""vitviz: see where a Vision Transformer looks, laid exactly over the photo."""

__version__ = "0.1.0"
