// HTTPClient: see docs/house.md.
