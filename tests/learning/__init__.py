"""Learning a site."""
