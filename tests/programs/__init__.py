"""Sessions in other programs."""
