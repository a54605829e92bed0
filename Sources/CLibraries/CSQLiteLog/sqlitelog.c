// SQLite writes each frame of its log in two calls, 24 bytes and a page. Here they are gathered, and written together
// when the log is synchronised. All other files are the default VFS's own.
#include "csqlitelog.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

// Eight frames: more would drive the program out of the processor's second-level cache with each commit, and the default
// VFS writes less than 128 KiB at a time.
enum { CAPACITY = 8 * (24 + 4096) };

// The default VFS's file lies behind it.
typedef struct {
    sqlite3_file base;
    sqlite3_int64 start;
    int used;
    char *bytes;
} Gathering;

static sqlite3_vfs *beneath;

static sqlite3_file *inner(sqlite3_file *file) { return (sqlite3_file *)((Gathering *)file + 1); }

// What cannot be written is forgotten: the commit that it belongs to fails.
static int write_out(sqlite3_file *file) {
    Gathering *own = (Gathering *)file;
    int count = own->used;
    if (count == 0) return SQLITE_OK;
    own->used = 0;
    return inner(file)->pMethods->xWrite(inner(file), own->bytes, count, own->start);
}

static int log_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    Gathering *own = (Gathering *)file;
    if (own->used > 0 && (offset != own->start + own->used || count > CAPACITY - own->used)) {
        int result = write_out(file);
        if (result != SQLITE_OK) return result;
    }
    if (count > CAPACITY) return inner(file)->pMethods->xWrite(inner(file), bytes, count, offset);
    if (own->used == 0) own->start = offset;
    memcpy(own->bytes + own->used, bytes, (size_t)count);
    own->used += count;
    return SQLITE_OK;
}

static int log_sync(sqlite3_file *file, int flags) {
    int result = write_out(file);
    return result != SQLITE_OK ? result : inner(file)->pMethods->xSync(inner(file), flags);
}
static int log_read(sqlite3_file *file, void *target, int count, sqlite3_int64 offset) {
    int result = write_out(file);
    return result != SQLITE_OK ? result : inner(file)->pMethods->xRead(inner(file), target, count, offset);
}
static int log_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int result = write_out(file);
    return result != SQLITE_OK ? result : inner(file)->pMethods->xTruncate(inner(file), size);
}
static int log_size(sqlite3_file *file, sqlite3_int64 *size) {
    int result = write_out(file);
    return result != SQLITE_OK ? result : inner(file)->pMethods->xFileSize(inner(file), size);
}
static int log_close(sqlite3_file *file) {
    int result = write_out(file);
    int closed = inner(file)->pMethods->xClose(inner(file));
    free(((Gathering *)file)->bytes);
    return result != SQLITE_OK ? result : closed;
}
static int log_lock(sqlite3_file *file, int kind) { return inner(file)->pMethods->xLock(inner(file), kind); }
static int log_unlock(sqlite3_file *file, int kind) { return inner(file)->pMethods->xUnlock(inner(file), kind); }
static int log_check(sqlite3_file *file, int *answer) {
    return inner(file)->pMethods->xCheckReservedLock(inner(file), answer);
}
static int log_control(sqlite3_file *file, int what, void *argument) {
    return inner(file)->pMethods->xFileControl(inner(file), what, argument);
}
static int log_sector(sqlite3_file *file) { return inner(file)->pMethods->xSectorSize(inner(file)); }
static int log_device(sqlite3_file *file) { return inner(file)->pMethods->xDeviceCharacteristics(inner(file)); }

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_device,
};

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *opened) {
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL)) return beneath->xOpen(beneath, name, file, flags, opened);
    Gathering *own = (Gathering *)file;
    memset(own, 0, sizeof *own);
    own->bytes = malloc(CAPACITY);
    if (!own->bytes) return SQLITE_NOMEM;
    int result = beneath->xOpen(beneath, name, inner(file), flags, opened);
    if (result != SQLITE_OK) {
        // Without methods the file counts as closed, so what is open has to be closed here.
        if (inner(file)->pMethods) inner(file)->pMethods->xClose(inner(file));
        free(own->bytes);
        return result;
    }
    own->base.pMethods = &methods;
    return SQLITE_OK;
}

int nezuko_sqlite_register_gathering(const char *name) {
    static sqlite3_vfs own;
    beneath = sqlite3_vfs_find(NULL);
    if (!beneath) return SQLITE_ERROR;
    own = *beneath;
    own.pNext = NULL;
    own.zName = name;
    own.szOsFile = (int)sizeof(Gathering) + beneath->szOsFile;
    own.xOpen = open_file;
    return sqlite3_vfs_register(&own, 0);
}
