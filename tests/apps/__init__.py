"""Real applications as judges: installed once, run on loopback, logged in to by a scripted person."""
