"""How good summaries are: ROUGE, baselines, significance, copying, fluency, content."""
