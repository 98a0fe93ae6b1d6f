"""The page: rendered here, one script (htmx 2.0.11, Zero-Clause BSD) in the browser."""
