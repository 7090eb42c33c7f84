"""Harvests with a real Chrome, and what is below them."""
