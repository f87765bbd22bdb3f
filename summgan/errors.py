"""The exceptions for mistakes that a user can mend.

Raise one with a sentence that names the file, line, field or option and says what to do. The command
line prints the sentence alone; a library user catches one class.
"""


class SummGANError(ValueError):
    """Something in the user's input, options or files is wrong; the message says what to do."""


class RowError(SummGANError):
    """What is wrong with one row; the other rows of its file can be used.

    Args:
        file: Where the row stands.
        line: Its line number from 1; the row number in formats without lines.
        problem: A sentence without the place, which the message puts before it.
    """

    def __init__(self, file: str, line: int, problem: str):
        super().__init__(file, line, problem)
        self.file, self.line, self.problem = file, line, problem

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.problem}"
