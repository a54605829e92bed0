// Storage: see docs/house.md.
