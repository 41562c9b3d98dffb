#include "sim/message_changing.hpp"

#include <array>

namespace flare::sim {

using wire::Verb;

namespace {

Verb some_change(Chance& chance) {
    switch (chance.below(10)) {
        case 0:
        case 1:
        case 2: return Verb::message_edit;
        case 3: return Verb::message_delete;
        case 4:
        case 5: return Verb::message_unreact;
        default: return Verb::message_react;
    }
}

}  // namespace

Talker::Request MessageChanging::think_of(const std::string& user, const std::string& conversation) {
    const auto known = book_.some_message(LogBook::key_of(user, conversation), chance_);
    model::Position about = known.value_or(model::Position());
    // What is no message, is not there or is long ago.
    if (!known || chance_.one_in(12)) about.offset = 1 + chance_.below(60);
    if (chance_.one_in(2)) about.epoch = 0;
    return change(some_change(chance_), conversation, about);
}

Talker::Request MessageChanging::think_again(const Talker::Request& before) {
    return change(chance_.one_in(2) ? Verb::message_delete : some_change(chance_), before.room, before.about);
}

Talker::Request MessageChanging::change(Verb verb, const std::string& conversation, const model::Position& about) {
    Talker::Request request;
    request.verb = verb;
    request.room = conversation;
    request.about = about;
    if (verb == Verb::message_edit) {
        request.text = "text " + std::to_string(++texts_) + " ";
        request.text.append(chance_.one_in(20) ? 3'000 + chance_.below(40'000) : chance_.below(200), 'e');
        wire::im::MessageEdit body;
        body.conversation = request.room;
        body.epoch = about.epoch;
        body.offset = about.offset;
        body.payload = request.text;
        if (chance_.one_in(2)) body.type = "chat";
        request.body = wire::im::encode(body);
    } else if (verb == Verb::message_delete) {
        wire::im::MessageDelete body;
        body.conversation = request.room;
        body.epoch = about.epoch;
        body.offset = about.offset;
        request.body = wire::im::encode(body);
    } else {
        constexpr std::array kKeys{"+1", "-1", "heart", "tea", "sun"};
        request.text = kKeys[chance_.below(chance_.one_in(3) ? kKeys.size() : 2)];
        wire::im::MessageReaction body;
        body.conversation = request.room;
        body.epoch = about.epoch;
        body.offset = about.offset;
        body.key = request.text;
        request.body = wire::im::encode(body);
    }
    return request;
}

}  // namespace flare::sim
