#include <sqlite3.h>

// Variadic, so not callable from Swift. Counting memory takes a process-wide lock at each allocation.
static inline int nezuko_sqlite_count_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
