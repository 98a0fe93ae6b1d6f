"""Generators and discriminators: one file a family, found through `tfproductgan.registry`."""
