"""What two layers must never do differently."""
