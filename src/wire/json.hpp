// The subprotocol flare.v1.json: batches as JSON text, by the proto3 JSON mapping
// (bytes as base64, 64-bit integers as strings, names in lowerCamelCase; original names are taken too).
// A message may carry `text` in place of `payload`, a UUID string or base64 as id.
//
// Protocol: docs/wire.md, "JSON".
// Threads:  pure functions.
#pragma once

#include <flare/error.hpp>

#include <string>
#include <string_view>

namespace flare::wire {

struct Schema;

// One JSON object (a frame) or an array of them -> a binary batch. Missing id of a message or request: a UUIDv7
// is made; missing attempt_id in a hello: random. Members that version 1 does not know are skipped. `error_text` (may
// be null) receives a sentence that names the field at fault. What comes out is accepted by the decoders. Errors:
// malformed_json, invalid_utf8, batch_too_large (text or batch above kMaxBatchBytes), frame_too_large.
Result<std::string> json_to_batch(std::string_view text, std::string* error_text = nullptr);

// A binary batch that this library made -> JSON: an object for one frame, an array for several. Message
// payloads that are valid UTF-8 appear as `text`, others as `payload` in base64.
// Errors: malformed_frame.
Result<std::string> batch_to_json(std::string_view batch);

// The same of what a schema describes, without a frame around it: bodies of requests (requests.hpp), for instance.
// `content` is what the decoder of that schema accepts.
Result<std::string> json_to_content(const Schema& schema, std::string_view text, std::string* error_text = nullptr);
Result<std::string> content_to_json(const Schema& schema, std::string_view content);

}  // namespace flare::wire
