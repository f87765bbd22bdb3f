"""Codes that nobody can read (one-hot, binary, VQ, tree): bottlenecks, model, training, encoder and index.

Codes of words belong to `summgan.networks` and `summgan.writing`.
"""
