"""Judging: how good the pictures of a generator are, measured against real photos."""
