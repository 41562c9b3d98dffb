// What is known of the logs of conversations: heads and the newest blocks, ahead of what is in their rows. An append
// changes them here; they are written when a block is full, when they have been unwritten for long, and when there is
// nothing else to do. After a crash they are made again from the log.
//
// A transaction works on copies. publish() makes them what readers see, once they are committed; discard() leaves
// everything as it was.
//
// Protocol: docs/decisions/0026-sqlite-blocks.md.
// Threads:  the engine's; what is below "for readers" any.
// Owner:    SqliteEngine.
#pragma once

#include "model/conversation.hpp"
#include "store/engine.hpp"
#include "store/sqlite/block.hpp"
#include "store/sqlite/known_conversations.hpp"
#include "store/sqlite/log_stamps.hpp"

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace flare::store::sqlite {

// Of one conversation.
struct LogState {
    model::Head head{};
    std::uint64_t first_n = 0;    // Head::messages before head.first
    std::uint64_t pruned_ms = 0;  // what was first sent before may have been removed
    Block block{};                // the newest; ends at head.last
    bool removed = false;         // a tombstone
};

class HeadTable {
public:
    // most: states in memory; of those that were not used lately, the ones that are longest in it go first.
    explicit HeadTable(std::size_t most) : most_(most) {}

    // ---- a transaction ----

    // first_stamp: the first row that the transaction may add to the log.
    void begin(std::uint64_t first_stamp) noexcept { first_stamp_ = first_stamp; }
    // The copy that this transaction works on. Null: it is not in memory; load() it. Valid until the next work() or
    // load().
    LogState* work(Row conversation);
    // What its rows say.
    LogState& load(Row conversation, const LogState& state);
    // The transaction has added to the log what the rows of a state do not know. work() was called.
    void changed(Row conversation);
    // It has changed what a Conversation says beside its head. work() was called.
    void reshaped(Row conversation);
    // Its rows are as it is now. work() was called.
    void written(Row conversation);
    // Those that are to be written, `most` of them: unwritten since `upto` or before, and those that keep the table
    // from its size.
    void overdue(std::uint64_t upto, std::size_t most, std::vector<Row>& to);
    // Those that are unwritten among the ones that the transaction works on, whose number is working().
    void changed_now(std::vector<Row>& to) const;
    std::size_t working() const noexcept { return copies_.size(); }
    void publish();
    void discard();

    // ---- between transactions ----

    // From which row of the log on some state may be unwritten; 0: all are written.
    std::uint64_t unwritten_since() const noexcept { return dirty_.empty() ? 0 : dirty_.front().unwritten; }
    std::size_t size() const noexcept { return slots_.size(); }

    // ---- for readers ----

    // What is committed; nothing: it is in the rows of every snapshot that begins after this call.
    std::optional<LogState> snapshot(Row conversation) const;
    // The same of the head alone; also if it is known only because somebody has listed it.
    std::optional<model::Head> head(Row conversation) const;
    // A conversation for a list, in one of three ways: as it is; or its row is to be read, in a snapshot that begins
    // after this call, and told to learn(); `ahead` is then its head, if that is not in the row.
    struct Known {
        std::shared_ptr<const Conversation> conversation{};
        model::Head head{};  // of the conversation: newer than it
        std::uint64_t ticket = 0;
        std::optional<model::Head> ahead{};
    };
    // Appends one for each row, in their order.
    void known(std::span<const Row> rows, std::vector<Known>& to);
    void learn(Row conversation, std::uint64_t ticket, std::shared_ptr<const Conversation> read);
    // Appends what is committed, in the order of `rows`. What is not known is in the rows of every snapshot that begins
    // after this call: whoever reads it there says so with learn().
    void stamps_of(std::span<const Row> rows, std::vector<LogStamp>& to);
    void learn(Row conversation, LogStamp stamp);

private:
    using Hook = boost::intrusive::list_member_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
    static constexpr std::uint32_t kNone = UINT32_MAX;
    struct Slot {
        Row row = 0;
        LogState state{};
        std::uint64_t unwritten = 0;  // the first row of the transaction that changed it first; 0: it is written
        std::uint32_t copy = kNone;   // in copies_
        bool loaded = false;          // by this transaction, which may have seen what is not committed
        bool used = false;            // since shrinking has looked at it
        Hook age{};
        Hook dirty{};
    };
    struct Copy {
        Slot* slot = nullptr;
        LogState state{};
        std::uint64_t unwritten = 0;
        bool reshaped = false;
    };
    template <Hook Slot::*Which>
    using List = boost::intrusive::list<Slot, boost::intrusive::member_hook<Slot, Hook, Which>,
                                        boost::intrusive::constant_time_size<false>>;

    Copy& copy_of(Row conversation);
    static std::uint64_t unwritten(const Slot& slot, const std::vector<Copy>& copies) noexcept {
        return slot.copy == kNone ? slot.unwritten : copies[slot.copy].unwritten;
    }
    void shrink();

    std::size_t most_;
    std::uint64_t first_stamp_ = 0;
    // Held to change slots_, a state in it, or what is as published; and by who is not the engine.
    mutable std::mutex mutex_;
    LogStamps stamps_;          // as published
    KnownConversations known_;  // likewise
    boost::unordered_flat_map<Row, std::unique_ptr<Slot>> slots_;
    List<&Slot::age> ages_;     // the next to go first: "second chance", which moves no neighbours at each use
    List<&Slot::dirty> dirty_;  // those with `unwritten`, by it
    std::vector<Copy> copies_;  // of this transaction
};

}  // namespace flare::store::sqlite
