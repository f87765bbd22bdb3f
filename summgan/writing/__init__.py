"""Using a model: texts and files in, summaries out. No training, and nothing of the command line."""
