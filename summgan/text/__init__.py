"""Text of any script: what its units of length are, its vocabulary, its case and its marks.

Nothing here knows of networks or of files of users.
"""
