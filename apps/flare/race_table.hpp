// What a race has measured, as a table and in sentences.
#pragma once

#include <flare/client.hpp>

#include <optional>
#include <string>
#include <vector>

namespace flare::cli {

// Lines without an end: a heading, and one for each protocol.
std::vector<std::string> race_table(const std::vector<ProtocolMetrics>& measured, std::optional<Protocol> in_use);
// "QUIC: connected in 12 ms, ... QUIC is used because ..."; one sentence a line.
std::vector<std::string> race_sentences(const std::vector<ProtocolMetrics>& measured, std::optional<Protocol> in_use);

}  // namespace flare::cli
