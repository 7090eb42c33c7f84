"""The chat client, its messages and dialects."""
