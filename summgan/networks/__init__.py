"""The three networks and what they are built from: transformers, the words in the middle, estimators, search.

They read tensors. What makes tensors of text belongs to `summgan.data`, what makes networks learn to
`summgan.training`.
"""
