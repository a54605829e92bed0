#include <sqlite3.h>

// Variadic, so not callable from Swift. Counting memory takes a process-wide lock at each allocation.
static inline int nezuko_sqlite_count_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

// Each cache of pages is given twenty at once, and most caches are those of small tables that a statement fills for
// itself: they need one or two.
static inline int nezuko_sqlite_give_single_pages(void) { return sqlite3_config(SQLITE_CONFIG_PAGECACHE, (void *)0, 0, 0); }
