// docs/wire.md tells the truth: its examples are golden frames, its tables the schema, its limits the code's.
#include "support.hpp"
#include "vector_cases.hpp"

#include "wire/feeds.hpp"
#include "wire/signals.hpp"

#include <flare/im/v1/feeds.pb.h>
#include <flare/im/v1/requests.pb.h>
#include <flare/im/v1/signals.pb.h>
#include <flare/im/v1/sync.pb.h>
#include <flare/v1/frame.pb.h>

#include <gtest/gtest.h>

#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <vector>

namespace flare::wire::test {
namespace {

std::vector<std::string> document() {
    std::vector<std::string> lines;
    std::istringstream in(read_file(FLARE_SOURCE_DIR "/docs/wire.md"));
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

// The bytes at the beginning of a line of an example: pairs of digits with single blanks between them. Two blanks
// begin the remark.
std::string bytes_of(const std::string& line) {
    std::string out;
    std::size_t at = line.find_first_not_of(' ');
    const auto is_digit = [&](std::size_t place) {
        return place < line.size() && std::isxdigit(static_cast<unsigned char>(line[place])) != 0;
    };
    while (at != line.npos && is_digit(at) && is_digit(at + 1)) {
        out += from_hex(line.substr(at, 2));
        at += 3;
    }
    return out;
}

TEST(Document, ItsExamplesAreGoldenFrames) {
    std::size_t examples = 0;
    std::string name;
    bool json = false;
    std::string batch;
    std::string text;
    for (const std::string& line : document()) {
        if (line.starts_with("```bytes ") || line.starts_with("```json ")) {
            json = line.starts_with("```json ");
            name = line.substr(line.find(' ') + 1);
            batch.clear();
            text.clear();
        } else if (line == "```" && !name.empty()) {
            const VectorFile vector = parse_vector(read_file(vector_path(name)));
            EXPECT_FALSE(vector.about.empty()) << "no vector is called " << name;
            if (json) {
                EXPECT_EQ(text, vector.json) << name;
            } else {
                EXPECT_EQ(to_hex(batch), to_hex(vector.batch)) << name;
            }
            name.clear();
            ++examples;
        } else if (!name.empty()) {
            batch += bytes_of(line);
            text += line;
        }
    }
    EXPECT_GE(examples, 10u);
}

// "| a | b | c |" -> a, b, c
std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells;
    if (!line.starts_with("| ")) return cells;
    std::istringstream in(line.substr(1));
    for (std::string cell; std::getline(in, cell, '|');) {
        cell.erase(0, cell.find_first_not_of(' '));
        cell.erase(cell.find_last_not_of(' ') + 1);
        cells.push_back(cell);
    }
    return cells;
}

std::string type_of(const google::protobuf::FieldDescriptor& field) {
    std::string type = field.type_name();
    if (field.message_type() != nullptr) type = field.message_type()->name();
    if (field.enum_type() != nullptr) type = field.enum_type()->name();
    return field.is_repeated() ? "repeated " + type : type;
}

TEST(Document, ItsTablesAreTheSchema) {
    std::map<std::string, std::vector<std::string>> documented;
    std::string section;
    for (const std::string& line : document()) {
        if (line.starts_with("## ")) section.clear();
        if (line.starts_with("### ")) section = line.substr(4);
        const auto cells = cells_of(line);
        if (section.empty() || cells.size() < 3 || cells[0].empty() ||
            std::isdigit(static_cast<unsigned char>(cells[0][0])) == 0) {
            continue;
        }
        documented[section].push_back(cells[0] + " " + cells[1] + " " + cells[2]);
    }
    for (const auto* file : {v1::Frame::descriptor()->file(), flare::im::v1::Head::descriptor()->file(),
                             flare::im::v1::Feed::descriptor()->file(), flare::im::v1::Sync::descriptor()->file(),
                             flare::im::v1::Notice::descriptor()->file()}) {
        for (int i = 0; i < file->message_type_count(); ++i) {
            const auto* message = file->message_type(i);
            std::vector<std::string> expected;
            for (int n = 0; n < message->field_count(); ++n) {
                const auto* field = message->field(n);
                expected.push_back(std::to_string(field->number()) + " `" + field->name() + "` " + type_of(*field));
            }
            EXPECT_EQ(documented[message->name()], expected) << message->name();
        }
    }
}

TEST(Document, ItsLimitsAreTheCodes) {
    std::map<std::string, std::string> limits;
    bool inside = false;
    for (const std::string& line : document()) {
        if (line.starts_with("## ") || line.starts_with("### ")) inside = line == "## Limits" || line == "### Limits";
        const auto cells = cells_of(line);
        if (!inside || cells.size() < 3) continue;
        const bool named = cells[1].starts_with("`");  // of Limits in Welcome: the default
        std::string digits;
        for (const char c : named ? cells[3] : cells[1]) {
            if (std::isdigit(static_cast<unsigned char>(c)) != 0) digits += c;
        }
        limits[named ? cells[1] : cells[0]] = digits;
    }
    const Limits defaults;
    const std::map<std::string, std::uint64_t> expected = {
        {"frame", kMaxFrameBytes},
        {"batch", kMaxBatchBytes},
        {"user, device, type, to, from", kMaxNameBytes},
        {"token", kMaxTokenBytes},
        {"ticket", kMaxTicketBytes},
        {"secret", kMaxSecretBytes},
        {"nonce", kNonceBytes},
        {"mac", kMacBytes},
        {"nonce of Seal", kSealNonceBytes},
        {"handshake", kSealHandshakeBytes},
        {"key", kSealKeyBytes},
        {"certificates", kMaxCertificatesBytes},
        {"signature", kMaxSignatureBytes},
        {"ciphertext", kMaxSealedBytes},
        {"dictionary", kMaxDictionaryIdBytes},
        {"text in Refused, Goodbye, Receipt, Response, CredentialState", kMaxTextBytes},
        {"lane", kMaxLanes - 1},
        {"lane states in one list", kMaxLanes},
        {"encoded Data, Request, Response or Feed in one frame", kChunkThreshold},
        {"body of a Request", kMaxRequestBytes},
        {"body of a Response", kMaxResponseBytes},
        {"Feed", kMaxFeedBytes},
        {"entries in one Feed", im::kMaxFeedEntries},
        {"states in one Feed", im::kMaxStates},
        {"name of a room", im::kMaxRoomBytes},
        {"title", im::kMaxTitleBytes},
        {"users in one request", im::kMaxUsers},
        {"entries or members in one response", im::kMaxPage},
        {"conversations on one page of a list, with those that are gone", im::kMaxSyncPage},
        {"entries of a conversation on one page", im::kMaxSyncEntries},
        {"feeds named beside the conversations of one page", im::kMaxSyncFeeds},
        {"cursor of a list, token of its next page", im::kMaxCursorBytes},
        {"part of a chunk", kChunkBytes},
        {"`max_message_bytes`", defaults.max_message_bytes},
        {"`max_frame_bytes`", defaults.max_frame_bytes},
        {"`max_batch_bytes`", defaults.max_batch_bytes},
        {"`max_unacked_frames`", defaults.max_unacked_frames},
        {"`max_unacked_bytes`", defaults.max_unacked_bytes},
        {"`max_messages_per_second`", defaults.max_messages_per_second},
        {"`message_burst`", defaults.message_burst},
        {"`max_bytes_per_second`", defaults.max_bytes_per_second},
        {"`byte_burst`", defaults.byte_burst},
    };
    for (const auto& [what, limit] : expected) EXPECT_EQ(limits[what], std::to_string(limit)) << what;
}

}  // namespace
}  // namespace flare::wire::test
