"""The Masked view: what a masked autoencoder makes of a photo with hidden patches."""
