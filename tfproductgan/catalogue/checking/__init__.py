"""One look through all photos and labels: what is wrong, what is in them, what training would do."""
