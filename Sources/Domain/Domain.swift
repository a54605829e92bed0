// Domain: see docs/house.md.
