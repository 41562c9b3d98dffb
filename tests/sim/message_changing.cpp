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
    Talker::Request request = change(some_change(chance_), conversation, about);
    // Mostly what is there.
    const auto shown = book_.shown(LogBook::key_of(user, conversation), about);
    if (request.verb == Verb::message_unreact && shown && !chance_.one_in(4)) {
        for (const auto& [key, users] : shown->reactions)
            if (users.contains(user)) request.text = key;
    }
    if (chance_.one_in(2)) request.about.epoch = 0;
    write_body(request);
    return request;
}

Talker::Request MessageChanging::think_again(const Talker::Request& before) {
    Talker::Request request =
        change(chance_.one_in(2) ? Verb::message_delete : some_change(chance_), before.room, before.about);
    write_body(request);
    return request;
}

// All but the body.
Talker::Request MessageChanging::change(Verb verb, const std::string& conversation, const model::Position& about) {
    Talker::Request request;
    request.verb = verb;
    request.room = conversation;
    request.about = about;
    if (verb == Verb::message_edit) {
        request.text = "text " + std::to_string(++texts_) + " ";
        request.text.append(chance_.one_in(20) ? 3'000 + chance_.below(40'000) : chance_.below(200), 'e');
    } else if (verb != Verb::message_delete) {
        constexpr std::array kKeys{"+1", "-1", "heart", "tea", "sun"};
        request.text = kKeys[chance_.below(chance_.one_in(2) ? kKeys.size() : 2)];
    }
    return request;
}

void MessageChanging::write_body(Talker::Request& request) {
    const auto& [epoch, offset] = request.about;
    if (request.verb == Verb::message_edit) {
        wire::im::MessageEdit body;
        body.conversation = request.room;
        body.epoch = epoch;
        body.offset = offset;
        body.payload = request.text;
        if (chance_.one_in(2)) body.type = "chat";
        request.body = wire::im::encode(body);
    } else if (request.verb == Verb::message_delete) {
        request.body = wire::im::encode(wire::im::MessageDelete{request.room, epoch, offset});
    } else {
        request.body = wire::im::encode(wire::im::MessageReaction{request.room, epoch, offset, request.text});
    }
}

}  // namespace flare::sim
