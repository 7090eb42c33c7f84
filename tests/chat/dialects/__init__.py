"""The chat wires."""
