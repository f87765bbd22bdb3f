"""Every option of training and writing, declared once: its range, help and default.

Parsing of YAML files and of the command line belongs here too; nothing that computes does.
"""
