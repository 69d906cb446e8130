"""What layers make and the renderer takes: stacks, the places where they live, what in them holds data."""
