"""ConvNeXt, in its first and second version."""
