"""Trained models as SavedModels that are asked by name, with cards that say what they are."""
