"""What the platform remembers: rows in a database, pictures in a folder or a bucket."""
