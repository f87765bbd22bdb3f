"""Use of a trained model: texts and files in, summaries out; no training and no command line."""
