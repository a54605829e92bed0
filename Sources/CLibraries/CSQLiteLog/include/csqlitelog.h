// A way for SQLite to write its write-ahead log: many frames in one call of the kernel.
#ifndef NEZUKO_CSQLITELOG_H
#define NEZUKO_CSQLITELOG_H

// Makes the VFS of this name known; gives SQLite's result code. Once for the process.
//
// What a connection writes into its log stays in memory until it synchronises or reads the log. So it is for
// connections with `synchronous=FULL`, which synchronise before anybody may see a commit, and with `cache_spill=OFF`,
// which write nothing before they commit: a transaction that is undone leaves nothing behind in memory. And for devices
// on which a write leaves its neighbours alone, as the default VFS takes for granted: SQLite then synchronises last.
int nezuko_sqlite_register_gathering(const char *name);
#endif
