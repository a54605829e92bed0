// The suite of fault tests: real processes, one scene at a time.

import Testing

/// Scenes share one PostgreSQL cluster, which some of them stop: never two at once.
@Suite("Faults", .serialized)
struct Faults {}
