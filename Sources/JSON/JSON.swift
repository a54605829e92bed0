// JSON: see docs/house.md.
