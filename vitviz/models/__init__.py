"""Networks written out from their papers, their cards, and how they are loaded."""
