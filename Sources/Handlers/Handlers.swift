// Handlers: see docs/house.md.
