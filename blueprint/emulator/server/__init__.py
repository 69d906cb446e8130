"""The server's side of the emulator. It runs in the emulator's own environment, as a process of its own."""
