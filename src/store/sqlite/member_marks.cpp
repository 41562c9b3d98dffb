#include "store/sqlite/member_marks.hpp"

#include "store/rules.hpp"

#include <algorithm>

namespace flare::store::sqlite {
namespace {

MemberMark mark_of(const Rows& rows) {
    const std::uint64_t read = rows.number(2);
    return {rows.number(0), rows.number(1), read, std::max(read, rows.number(3))};
}

// From which Member::visible_from on a member may not read it. SQLite's integers have a sign.
std::uint64_t visible_upto(const ReadersRequest& request) {
    return request.visible_to_all ? INT64_MAX : std::min<std::uint64_t>(request.offset, INT64_MAX);
}

}  // namespace

Result<> MarkReader::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            {&marks_,
             "SELECT user, visible_from, read_offset, delivered_offset FROM member WHERE conversation = ? AND "
             "user > ? AND role <> 0 ORDER BY user LIMIT ?"},
            {&readers_,
             "SELECT user, visible_from, read_offset, read_offset FROM member INDEXED BY member_read WHERE "
             "conversation = ? AND read_offset >= ? AND visible_from <= ? AND user <> ? AND user > ? AND role <> 0 "
             "ORDER BY user LIMIT ?"},
            // In the index alone.
            {&count_,
             "SELECT count(*), coalesce(sum(read_offset >= ?2), 0) FROM member INDEXED BY member_read WHERE "
             "conversation = ?1 AND read_offset >= 0 AND visible_from <= ?3 AND user <> ?4 AND role <> 0"},
        });
}

Result<std::vector<MemberMark>> MarkReader::marks(Row conversation, Row after, std::uint32_t limit) {
    std::vector<MemberMark> found;
    Rows rows = marks_.rows(conversation, after, std::uint64_t{limit});
    while (rows.next()) found.push_back(mark_of(rows));
    if (auto good = rows.error(); !good) return good.error();
    return found;
}

Result<EntryReaders> MarkReader::readers(const ReadersRequest& request) {
    EntryReaders readers;
    if (request.count) {
        if (auto good = count(request, readers); !good) return good.error();
    }
    const auto add = [&](const MemberMark& mark) {
        readers.more = readers.found.size() == request.limit;
        if (!readers.more) readers.found.push_back(mark);
        return !readers.more;
    };
    {
        std::uint32_t seen = 0;
        Rows rows = marks_.rows(request.conversation, request.after, std::uint64_t{kInOrder});
        for (; rows.next(); ++seen) {
            const MemberMark mark = mark_of(rows);
            const bool counts = mark.read >= request.offset && may_read(request, mark.user, mark.visible_from);
            if (counts && !add(mark)) break;
        }
        if (auto good = rows.error(); !good) return good.error();
        if (readers.more || seen < kInOrder) return readers;
    }
    readers.found.clear();
    Rows rows = readers_.rows(request.conversation, request.offset, visible_upto(request), request.sender,
                              request.after, std::uint64_t{request.limit} + 1);
    while (rows.next() && add(mark_of(rows))) {
    }
    if (auto good = rows.error(); !good) return good.error();
    return readers;
}

Result<> MarkReader::count(const ReadersRequest& request, EntryReaders& readers) {
    Rows rows = count_.rows(request.conversation, request.offset, visible_upto(request), request.sender);
    if (rows.next()) {
        readers.members = rows.number(0);
        readers.read = rows.number(1);
    }
    return rows.error();
}

}  // namespace flare::store::sqlite
