"""Turns an OpenAPI description into the package's models and operations. See __main__."""
