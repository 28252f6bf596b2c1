"""What the client costs, measured beside hand-written aiohttp: ``python -m benchmarks``."""
