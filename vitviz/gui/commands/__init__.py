"""Every command of the program: one file a menu, each command a function with its title and key."""
