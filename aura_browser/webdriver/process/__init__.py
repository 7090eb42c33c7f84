"""The programs that a harvest starts, and what ends them: whatever happens, nothing stays behind."""
