// Observability: see docs/house.md.
