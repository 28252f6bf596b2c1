"""The one kind of failure that `python -m codegen` reports instead of a traceback."""


class CodegenError(Exception):
    """The input can't be used; the message is one line that says why."""
