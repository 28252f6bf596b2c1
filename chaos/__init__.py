"""Proof by misuse that a push loses nothing and doubles nothing: ``python -m chaos``."""
