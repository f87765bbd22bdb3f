"""Exceptions for mistakes that the user can correct.

Raise one with a sentence that names the file, line, field or option and says what to do. The command line
prints only the sentence; a user of the library catches one class.
"""


class SummGANError(ValueError):
    """The user's input, options or files are wrong; the message says what to do."""


class RowError(SummGANError):
    """One row of a file is wrong; the rows after it may be good.

    Args:
        reason: What is wrong, as a sentence without the place.
        file: Path of the file.
        line: Line number from 1; the row number in formats without lines.
    """

    def __init__(self, reason: str, file: str, line: int):
        super().__init__(reason, file, line)
        self.reason, self.file, self.line = reason, file, line

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"
