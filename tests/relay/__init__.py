"""The local reverse proxy."""
