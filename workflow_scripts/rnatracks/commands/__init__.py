"""Subcommands of `rnatracks`, one module each: arguments, and what is done with them."""
