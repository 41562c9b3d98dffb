#!/usr/bin/python3
"""flare chat about several conversations, on real pseudo-terminals: unread counts in the status line, /open, /rooms and
/history, somebody who joins late, and a server that is killed and started again in mid-conversation.

    tests/tools/rooms_terminal.py PATH_OF_FLARE
"""
import sys

from rooms_stage import RoomsStage, status


def check(condition, what, person):
    """Waits until it holds: what was seen may be the first half of what is drawn at once."""
    if not person.waits_for(condition):
        raise AssertionError(f"{what}\n{person.text()}")


def below(person, what):
    check(lambda: what in status(person), f"the status line says {what!r}", person)


def two_in_a_room(stage):
    stage.run("room", "create", "tea", "--title", "Tea", "--open", "--history", "all", user="ann")
    ann = stage.chat("ann")
    ann.sees("server>")
    ann.keys("/join tea\r")
    ann.sees("room:tea>")
    bob = stage.chat("bob")
    bob.sees("server>")
    bob.keys("/join tea\r")
    bob.sees("room:tea>")
    ann.sees("* room:tea: bob joined")
    ann.keys("who brings milk?\r")
    bob.sees("[room:tea] ann: who brings milk?")
    ann.sees("✓ ann → room:tea: who brings milk?")
    return ann, bob


def others_count_as_unread(ann, bob):
    bob.keys("/to ann\r")
    bob.sees("ann>")
    bob.keys("I have some sugar for you\r")
    bob.sees("✓ bob → ann: I have some sugar for you")
    below(ann, "· 1 unread: bob")
    check(lambda: "sugar" not in ann.text(), "it is not mixed into the room", ann)
    ann.keys("two of us?\r")
    ann.sees("✓ ann → room:tea: two of us?")
    below(bob, "· 1 unread: room:tea")
    ann.keys("/rooms\r")
    ann.sees("1 new")
    check(lambda: any(row.startswith("room:tea (Tea)") and "ann: two of us?" in row for row in ann.rows()), "the list has the room", ann)
    check(lambda: any(row.startswith("bob ") and "1 new" in row and "bob: I have some sugar" in row for row in ann.rows()), "and bob", ann)
    ann.keys("/open\r")
    ann.sees("bob: I have some sugar for you", without="unread")
    check(lambda: ann.rows().index("--- 1 new ---") + 1 == ann.rows().index("bob: I have some sugar for you"), "the line stands before it", ann)
    bob.keys("/open tea\r")
    bob.sees("[room:tea] ann: two of us?", without="unread")
    check(lambda: sum("who brings milk?" in row for row in bob.rows()) == 1, "what was shown is not shown again", bob)


def history_pages_back(ann):
    ann.keys("/open tea\r")
    ann.sees("room:tea>")
    ann.keys("/history\r")
    ann.sees("* this is where room:tea begins")


def a_crash_loses_nothing(stage, ann, bob):
    stage.crash()
    for person in (ann, bob):
        check(lambda: not status(person).startswith("WebSocket"), "it notices", person)
    ann.keys("is anybody there?\r")
    ann.sees("… ann → room:tea: is anybody there?")
    stage.start()
    ann.sees("✓ ann → room:tea: is anybody there?")
    bob.sees("[room:tea] ann: is anybody there?")
    check(lambda: sum("is anybody there?" in row for row in bob.rows()) == 1, "once", bob)
    bob.keys("I am\r")
    ann.sees("[room:tea] bob: I am")


def who_joins_late_sees_everything(stage, ann):
    eve = stage.chat("eve")
    eve.sees("server>")
    eve.keys("/join tea\r")
    eve.sees("[room:tea] bob: I am")
    for text in ("ann: who brings milk?", "ann: two of us?", "ann: is anybody there?", "bob: I am"):
        check(lambda: sum(f"[room:tea] {text}" in row for row in eve.rows()) == 1, text, eve)
    eve.keys("good morning\r")
    ann.sees("[room:tea] eve: good morning")


def what_was_shown_is_read(stage, ann, bob):
    for person in (ann, bob):
        person.keys("/quit\r")
        if person.finish() != 0:
            raise AssertionError(person.text())
    listed = stage.run("list", user="bob")
    if "new" in listed or "room:tea (Tea)" not in listed:
        raise AssertionError(listed)
    stage.run("send", "room:tea", "still here", user="eve")
    if "1 new" not in stage.run("list", "--unread", user="bob"):
        raise AssertionError("one is unread")


def main():
    stage = RoomsStage(sys.argv[1])
    try:
        ann, bob = two_in_a_room(stage)
        others_count_as_unread(ann, bob)
        history_pages_back(ann)
        a_crash_loses_nothing(stage, ann, bob)
        who_joins_late_sees_everything(stage, ann)
        what_was_shown_is_read(stage, ann, bob)
        print("rooms_terminal.py: all went as it should")
    finally:
        stage.close()


if __name__ == "__main__":
    main()
