"""The one exception for mistakes that a user can mend.

Raise it with a sentence that names the file, line, field or option and says what to do. The command
line prints the sentence alone; a library user catches one class.
"""


class SummGANError(ValueError):
    """Something in the user's input, options or files is wrong; the message says what to do."""


class RowError(SummGANError):
    """Something is wrong with one row of a file; the rows after it may be good.

    Args:
        reason: A sentence.
        file: Where the row stands.
        line: Line number from 1; the row number in formats without lines.
    """

    def __init__(self, reason: str, file: str, line: int):
        super().__init__(f"{file}:{line}: {reason}")
        self.file, self.line = file, line
