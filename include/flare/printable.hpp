// Text that somebody else chose, made safe for a terminal, a log or any other place that shows lines.
#pragma once

#include <flare/export.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace flare {

/// `text` as one line without effects: what would move the cursor, change colours, begin a line or reorder the
/// characters around it is written as an escape (`\x1b`, `\x0a`, `\u202e`), and so is each byte that is not valid
/// UTF-8. Letters, CJK and emoji stay as they are.
///
/// Names, types, reasons and error texts of other machines are shown through this: `Message::from`,
/// `SessionInfo::user`, `Failure::text` and the like hold what the peer sent. A text that has been through it does not
/// change a second time.
///
/// @param text  anything, from anybody.
/// @param most  bytes of the result at most; what is longer is cut at a character and ends with "...".
FLARE_EXPORT std::string printable(std::string_view text, std::size_t most = std::string_view::npos);

}  // namespace flare
