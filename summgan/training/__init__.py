"""Training: the tasks with their loss terms, the loop, and a run's checkpoints, log and validation.

Using a trained model belongs to `summgan.writing` and `summgan.codes`.
"""
