// HTTPServer: see docs/house.md.
