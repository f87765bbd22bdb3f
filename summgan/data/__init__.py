"""From the user's files to batches: rows, piles, counts, corruptions of text, and tensors.

A *pile* is one of the two sets of texts that training reads: the documents and the human sentences. No
network runs here; what needs one belongs to `summgan.training`.
"""
