// Makes untrusted text safe to show in a terminal, a log or any other line-based output.
#pragma once

#include <flare/export.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace flare {

/// Returns `text` as one line without side effects. Characters that would move the cursor, change colours, begin a line
/// or reorder the text around them become escapes (`\x1b`, `\x0a`, `\u202e`), and so does each byte that is not valid
/// UTF-8. Letters, CJK and emoji stay as they are.
///
/// Use it to show names, types, reasons and error texts that come from other machines: `Message::from`,
/// `SessionInfo::user`, `Failure::text` and the like hold what the peer sent. Applying it twice changes nothing.
///
/// @param text  any text, from any source.
/// @param most  maximum bytes of the result; a longer text is cut at a character boundary and ends with "...".
FLARE_EXPORT std::string printable(std::string_view text, std::size_t most = std::string_view::npos);

}  // namespace flare
