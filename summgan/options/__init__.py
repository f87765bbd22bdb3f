"""Every option of a training: its range, its help and its default, from YAML files and the command line.

Nothing that computes belongs here.
"""
