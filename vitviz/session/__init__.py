"""What the user chose, what that takes to compute, and who computes it."""
