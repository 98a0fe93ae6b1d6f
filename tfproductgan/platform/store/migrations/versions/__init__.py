"""One file a version of the store, named by what it brought."""
