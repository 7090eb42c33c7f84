"""What tests are made of: real servers and programs, stand-ins, made-up sessions, one way to wait."""
