"""Requests with a session."""
