"""How maps look: colour maps, ranges, overlays, and pictures of them."""
