"""The API, version 1: what programs may ask, and what the page is made of."""
