"""The text towers of CLIP and SigLIP: words as vectors beside those of images."""
