"""The keeper of a session."""
