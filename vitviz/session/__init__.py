"""What the user chose: small hashable values, and functions from one to the next."""
