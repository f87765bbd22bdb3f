"""The loop that tells the algorithm, the terms of the loss, and a run: checkpoints, logs, validation.

Using what was trained belongs to `summgan.writing` and `summgan.codes`.
"""
