"""Hostile inputs, made up at random from a seed."""
