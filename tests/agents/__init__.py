"""What coding agents get."""
