"""How a map looks, and what it says in numbers: alone, and beside another."""
