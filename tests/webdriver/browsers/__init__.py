"""The ways to get a browser."""
