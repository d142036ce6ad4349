"""The Compare view: up to six maps side by side."""
