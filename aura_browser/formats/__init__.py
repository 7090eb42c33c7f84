"""Foreign formats: pure functions that read and write what other programs hold of a session."""
