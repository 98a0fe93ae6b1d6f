"""A page, an API and a store around served models: people ask in a browser, programs over HTTP."""
