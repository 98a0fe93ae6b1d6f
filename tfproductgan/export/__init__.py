"""Trained generators as files for other programs: SavedModels, and smaller and faster forms of them."""
