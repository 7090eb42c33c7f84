"""The gateway: wires without I/O, real clients, trouble, security."""
