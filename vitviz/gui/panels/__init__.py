"""The quiet panels around the photo. Each shows what it is given and says what the user chose."""
