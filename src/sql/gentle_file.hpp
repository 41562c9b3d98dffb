// For who copies much beside somebody who waits for the disk: what is written to a database goes to disk in small
// parts, so that no flush of others has much to carry.
//
// Protocol: https://sqlite.org/c3ref/io_methods.html.
// Threads:  any; a file one at a time.
#pragma once

struct sqlite3_file;

namespace flare::sql {

// From now on `file`, which is open, on whatever file system of SQLite, is written like that. Without memory for it,
// std::bad_alloc.
void make_gentle(sqlite3_file& file);

}  // namespace flare::sql
