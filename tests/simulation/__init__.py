"""The manager's own code with a million sessions, on a clock that nobody waits for."""
