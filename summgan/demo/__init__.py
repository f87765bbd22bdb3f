"""The built-in demonstration: a corpus of made-up news, two models trained on it, and their comparison."""
