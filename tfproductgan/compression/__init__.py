"""Smaller and faster forms of a trained model, each tried and judged before it becomes a file."""
