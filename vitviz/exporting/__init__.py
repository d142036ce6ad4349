"""Files that leave the program, and what made them."""
