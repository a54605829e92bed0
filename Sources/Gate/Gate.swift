// Gate: see docs/house.md.
