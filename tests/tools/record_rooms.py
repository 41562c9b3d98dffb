#!/usr/bin/python3
"""Plays a conversation of three in a room, in which the server is killed, and prints what two of the terminals show at
its end: docs/rooms-session.txt.

    tests/tools/record_rooms.py PATH_OF_FLARE > docs/rooms-session.txt
"""
import sys

from rooms_stage import RoomsStage


def main():
    stage = RoomsStage(sys.argv[1])
    try:
        created = stage.run("room", "create", "tea", "--title", "Tea", "--open", "--history", "all", user="ann")
        ann = stage.chat("ann", columns=88, lines=30)
        ann.sees("server>")
        ann.keys("/join tea\r")
        ann.sees("room:tea>")
        bob = stage.chat("bob", columns=88, lines=30)
        bob.sees("server>")
        bob.keys("/join tea\r")
        bob.sees("room:tea>")
        ann.sees("bob joined")
        ann.keys("who brings milk?\r")
        bob.sees("ann: who brings milk?")
        bob.keys("I do\r")
        ann.sees("bob: I do")
        bob.keys("/to ann\r")
        bob.sees("ann>")
        bob.keys("and sugar, for you\r")
        bob.sees("✓ bob → ann: and sugar, for you")
        ann.sees("1 unread: bob")
        ann.keys("/open\r")
        ann.sees("bob: and sugar, for you", without="unread")
        stage.crash()
        ann.sees("reconnecting")
        bob.sees("reconnecting")
        bob.keys("/open tea\r")
        bob.sees("room:tea>")
        bob.keys("is anybody there?\r")
        bob.sees("… bob → room:tea: is anybody there?")
        stage.start()
        bob.sees("✓ bob → room:tea: is anybody there?")
        ann.sees("1 unread: room:tea")
        ann.keys("/open tea\r")
        ann.sees("bob: is anybody there?", without="unread")
        ann.keys("all of it is here\r")
        bob.sees("ann: all of it is here")
        eve = stage.chat("eve", columns=88, lines=30)
        eve.sees("server>")
        eve.keys("/join tea\r")
        eve.sees("ann: all of it is here")
        ann.sees("eve joined")
        eve.keys("then I will have milk\r")
        eve.sees("✓ eve → room:tea: then I will have milk")
        ann.sees("eve: then I will have milk")
        ann.keys("/rooms\r")
        ann.sees("room:tea (Tea)")
        print("$ flare room create tea --title Tea --open --history all --user ann")
        print(created.rstrip())
        for person, name in ((ann, "ann"), (eve, "eve")):
            print(f"$ flare chat --user {name}")
            print(person.text())
        for person in (ann, bob, eve):
            person.keys("\x03")
            person.finish()
    finally:
        stage.close()


if __name__ == "__main__":
    main()
