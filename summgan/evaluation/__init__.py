"""Evaluation of summaries: ROUGE, baselines, significance, copying, fluency, content, blind reading."""
