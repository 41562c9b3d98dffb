// Connections to SQLite files, as the store names them.
//
// Protocol: sql/database.hpp.
// Threads:  one at a time.
// Owner:    SqliteEngine, SqliteReader.
#pragma once

#include "sql/database.hpp"

namespace flare::store::sqlite {

using sql::code_of;
using sql::Database;
using sql::no_answer;
using sql::prepare;
using sql::Prepared;
using sql::Rows;
using sql::Statement;
using sql::Text;

}  // namespace flare::store::sqlite
