// Simulator: see docs/house.md.
