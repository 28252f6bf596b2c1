"""One module per resource: what the emulator answers for its operations."""
