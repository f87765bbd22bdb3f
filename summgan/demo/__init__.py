"""The built-in demonstration: a corpus of made-up news, two models trained on it, a comparison."""
