"""Schemathesis against the emulator: `python -m tests.conformance --cases 20000 --seed 1`.

The emulator runs in a process of its own. All operations are called with good and bad data that is
generated from the description, and every answer is held against the description.
"""
