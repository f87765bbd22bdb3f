"""Text of any script: units of length, words, vocabulary, case and punctuation.

Nothing here depends on networks or on the user's files.
"""
