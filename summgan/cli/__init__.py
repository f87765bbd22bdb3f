"""The ``summgan`` command: options to calls, results to files, a user's mistake to one sentence.

What can be done from Python is done there; nothing is computed here.
"""
