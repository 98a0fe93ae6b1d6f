"""What people see of a model: requests in words, grids, strips, files that carry what was asked."""
