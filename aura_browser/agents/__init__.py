"""What coding agents get: a page that teaches them the command, and a server with tools that show them no secret."""
