"""From the bytes of a photo to its pixels, by what each kind of file needs."""
