"""Codes that are not made of words (one-hot, binary, VQ, tree): bottlenecks, model, task, encoder and index.

Summaries, which are codes made of words, belong to `summgan.networks` and `summgan.writing`.
"""
