"""Pixels in: files to photos, photos to model inputs, and back again."""
