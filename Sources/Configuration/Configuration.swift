// Configuration: see docs/house.md.
