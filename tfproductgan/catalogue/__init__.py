"""Where photos and their labels come from: folders, tables, TFDS, arrays, the built-in studio."""
