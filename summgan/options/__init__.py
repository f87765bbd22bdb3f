"""Every option of training and of writing, declared once: its range, its help and its default.

Also belongs here: how options come from YAML files and the command line. Nothing that computes belongs here.
"""
