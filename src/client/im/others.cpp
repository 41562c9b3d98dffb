#include "client/im/others.hpp"

namespace flare::client {

void OtherMarks::on_told(const std::string& conversation, std::uint64_t epoch, const std::vector<UserMark>& marks) {
    if (marks.empty()) return;
    for (const UserMark& each : marks) {
        if (const auto now = list_.on_other(conversation, epoch, each))
            owner_.tell(event::MarksChanged{conversation, now->user, now->read, now->delivered});
    }
    changed_();
}

}  // namespace flare::client
