"""The command line: `main.py` knows the verbs, and each verb is one file."""
