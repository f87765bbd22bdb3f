"""The one exception for mistakes that a user can mend.

Raise it with a sentence that names the file, line, field or option and says what to do. The command
line prints the sentence alone; a library user catches one class.
"""


class SummGANError(ValueError):
    """Something in the user's input, options or files is wrong; the message says what to do."""
