"""The one kind of failure that `python -m codegen` reports instead of a traceback."""

LENGTH = 300


class CodegenError(Exception):
    """The input can't be used; the message is one line that says why."""

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())
        super().__init__(line if len(line) <= LENGTH else f"{line[: LENGTH - 1]}…")
