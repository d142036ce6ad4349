"""The Patches view: the photo as the model receives it."""
