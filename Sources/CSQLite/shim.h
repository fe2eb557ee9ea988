#include <sqlite3.h>

/* One call for a batch of files and their folders; GNU's, so that Swift's Glibc does not show it. */
int syncfs(int descriptor);

/* SQLITE_TRANSIENT is a cast that Swift cannot import: SQLite copies what is bound. */
static inline int chumgate_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, int count) {
  return sqlite3_bind_blob(statement, index, bytes, count, SQLITE_TRANSIENT);
}
static inline int chumgate_bind_text(sqlite3_stmt *statement, int index, const char *text) {
  return sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}
