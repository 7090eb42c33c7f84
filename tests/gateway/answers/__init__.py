"""What each wire writes, recorded byte for byte; read beside the APIs' references before it was kept."""
