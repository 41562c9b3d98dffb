// The usual file system of SQLite, for who copies much beside somebody who waits for the disk: what is written to a
// database goes to disk in small parts, so that no flush of others has much to carry.
//
// Protocol: https://sqlite.org/vfs.html.
// Threads:  any.
#pragma once

namespace flare::store::sqlite {

// Its name, for sqlite3_open_v2(); empty: it could not be made.
const char* gentle_vfs();

}  // namespace flare::store::sqlite
