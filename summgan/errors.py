"""The exceptions for mistakes that a user can mend.

Raise one with a sentence that names the file, line, field or option and says what to do. The command
line prints the sentence alone; a library user catches one class.
"""


class SummGANError(ValueError):
    """Something in the user's input, options or files is wrong; the message says what to do."""


class RowError(SummGANError):
    """Something is wrong with one row of a file; the rows after it may be good.

    Args:
        reason: A sentence, without the place.
        file: Where the row stands.
        line: Line number from 1; the row number in formats without lines.
    """

    def __init__(self, reason: str, file: str, line: int):
        super().__init__(reason, file, line)
        self.reason, self.file, self.line = reason, file, line

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"
