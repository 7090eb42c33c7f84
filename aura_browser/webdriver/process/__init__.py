"""Starts the programs of a harvest and ends them, whatever happens."""
