// HandlersTests
