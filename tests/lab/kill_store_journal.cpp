#include "lab/kill_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace flare::lab {

Journal::Journal(const std::string& path) : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)) {
    if (file_ < 0) throw std::runtime_error("cannot write " + path);
}
Journal::~Journal() { ::close(file_); }

void Journal::write(const std::string& line) {
    const std::lock_guard lock(mutex_);
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        throw std::runtime_error("the journal cannot be written");
}

void Journal::sent(const Sent& message) {
    write("sent " + message.id.str() + ' ' + std::to_string(message.client) + ' ' + std::to_string(message.number) +
          '\n');
}
void Journal::stored(const Uuid& id, const Position& position) {
    write("stored " + id.str() + ' ' + std::to_string(position.epoch) + ' ' + std::to_string(position.offset) + '\n');
}
void Journal::refused(const Uuid& id, const std::string& why) { write("refused " + id.str() + ' ' + why + '\n'); }

std::vector<Sent> Journal::read(const std::string& path) {
    std::vector<Sent> all;
    std::map<Uuid, std::size_t> places;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        if (file.eof()) break;  // cut off by a death
        std::istringstream words(line);
        std::string kind;
        std::string text;
        words >> kind >> text;
        const auto id = Uuid::parse(text);
        if (!id) throw std::runtime_error("the journal is damaged: " + line);
        if (kind == "sent") {
            Sent sent;
            sent.id = *id;
            words >> sent.client >> sent.number;
            places.emplace(*id, all.size());
            all.push_back(sent);
        } else if (kind == "stored") {
            Position position;
            words >> position.epoch >> position.offset;
            all.at(places.at(*id)).stored = position;
        } else {
            std::getline(words, all.at(places.at(*id)).refused);
        }
    }
    return all;
}

}  // namespace flare::lab
