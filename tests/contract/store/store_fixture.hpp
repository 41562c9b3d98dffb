// An engine with its place, and groups of writes in a line.
#pragma once

#include "base/log.hpp"
#include "contract/store/store_kind.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace flare::store::test {

inline Uuid id_of(std::uint64_t number) {
    std::array<std::uint8_t, 10> rest{};
    for (int i = 0; i < 8; ++i)
        rest[static_cast<std::size_t>(2 + i)] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    return Uuid::v7(1'700'000'000'000, rest);
}

constexpr std::uint64_t kStart = 1'700'000'000'000;  // Unix time of the tests, in milliseconds

// Who reads from the entry of its change on.
inline model::Member member_since_start(Row user, model::Role role = model::Role::member) {
    model::Member made;
    made.user = user;
    made.role = role;
    made.joined_at = kStart;
    made.visible_from = 0;
    return made;
}

class StoreTest {
public:
    explicit StoreTest(const EngineKind& kind) : place(kind.make()) {
        base::log().set_level(base::Log::Level::off);  // disks fail here on purpose, thousands of times
        open();
    }

    void open() {
        reader.reset();
        engine.reset();
        auto opened = place->open();
        ASSERT_TRUE(opened) << opened.error().text;
        engine = std::move(*opened);
        reader = engine->reader();
    }
    // The process is killed, and another one opens the store.
    void crash() {
        place->die(1);
        close();
        place->heal();
        open();
    }
    void close() {
        reader.reset();
        engine.reset();
    }

    // ---- one write ----

    Result<> try_write(Write& write) {
        WriteBatch batch;
        batch.bytes = bytes;
        batch.writes.push_back(write);
        WriteBatch* const group[] = {&batch};
        auto done = engine->commit(group, now);
        write.outcome = batch.writes.front().outcome;
        return done;
    }
    Outcome write(Write each) {
        const auto done = try_write(each);
        EXPECT_TRUE(done) << done.error().message();
        return each.outcome;
    }
    Slice text(std::string_view value) {
        const Slice slice{static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint32_t>(value.size())};
        bytes += value;
        return slice;
    }

    NewEntry entry(Row conversation, std::uint64_t id, std::string_view payload = "payload") {
        NewEntry made;
        made.conversation = conversation;
        made.sender = 7;
        made.id = id_of(id);
        made.content = static_cast<std::uint32_t>(id);
        made.type = text("text");
        made.payload = text(payload);
        return made;
    }
    Outcome append(const NewEntry& each) { return write({each}); }
    Outcome append(Row conversation, std::uint64_t id, std::string_view payload = "payload") {
        return append(entry(conversation, id, payload));
    }
    Outcome change(const Change& each) { return write({each}); }
    Row make(std::string_view name) {
        Change made;
        made.key = model::ConversationKey::room(name);
        const Outcome outcome = change(made);
        EXPECT_EQ(outcome.code, errc::ok);
        return outcome.row;
    }
    void maintain() {
        for (int i = 0; i < 1000; ++i) {
            const auto more = engine->maintain(now);
            ASSERT_TRUE(more) << more.error().message();
            if (!*more) return;
        }
        FAIL() << "maintain() never comes to an end";
    }

    // ---- what is there ----

    Page page(const PageRequest& request) {
        auto found = reader->page(request);
        EXPECT_TRUE(found) << found.error().message();
        return found ? std::move(*found) : Page();
    }
    Page all(Row conversation) {
        PageRequest request;
        request.conversation = conversation;
        request.direction = Direction::forward;
        request.limit = 1000;
        return page(request);
    }
    model::Head head(Row conversation) {
        const auto found = reader->conversation(conversation);
        EXPECT_TRUE(found && *found);
        return found && *found ? (**found).head : model::Head();
    }

    std::unique_ptr<Place> place;
    std::unique_ptr<Engine> engine;
    std::unique_ptr<Reader> reader;
    std::string bytes;
    std::uint64_t now = kStart;
};

class StoreContract : public ::testing::TestWithParam<EngineKind>, public StoreTest {
protected:
    StoreContract() : StoreTest(GetParam()) {}
};

inline std::string kind_name(const ::testing::TestParamInfo<EngineKind>& kind) { return kind.param.name; }

#define FLARE_STORE_SUITE(suite)           \
    class suite : public StoreContract {}; \
    INSTANTIATE_TEST_SUITE_P(All, suite, ::testing::ValuesIn(engine_kinds()), kind_name)

inline std::vector<std::uint64_t> offsets(const Page& page) {
    std::vector<std::uint64_t> found;
    for (const Entry& each : page.entries) found.push_back(each.offset);
    return found;
}
inline std::vector<std::string> payloads(const Page& page) {
    std::vector<std::string> found;
    for (const Entry& each : page.entries) found.push_back(each.payload);
    return found;
}

}  // namespace flare::store::test
