"""The ``summgan`` command: it turns options into calls, results into files, and mistakes into one sentence.

Nothing is computed here; the commands call what is available from Python too.
"""
