"""Real programs read what is exported, and write what is imported: ``make formats`` prints who keeps what."""
