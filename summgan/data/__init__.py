"""From the user's files to batches: rows, the two piles, what is counted in them, corruptions, tensors.

No network is run here; what a network is asked of a corpus belongs to `summgan.training`.
"""
