"""What is shown, in words: made last, from descriptions, and never read back."""
