#!/usr/bin/python3
"""Plays a conversation on two pseudo-terminals and prints what alice's shows at its end: docs/chat-session.txt.

    tests/tools/record_chat.py PATH_OF_FLARE PATH_OF_SERVER_EXAMPLE > docs/chat-session.txt
"""
import sys

from chat_stage import Stage


def main():
    stage = Stage(sys.argv[1], sys.argv[2])
    try:
        alice = stage.chat("alice", columns=88, lines=24)
        alice.sees("server>")
        bob = stage.chat("bob", "--to", "alice")
        bob.sees("alice>")
        alice.keys("hello, server\r")
        alice.sees("server: 收到聊天消息: hello, server")
        alice.keys("/to bob\r")
        alice.sees("bob>")
        alice.keys("shall we see what happens without UDP?\r")
        bob.sees("without UDP?")
        bob.keys("yes, cut it\r")
        alice.sees("bob: yes, cut it")
        stage.relay.cut = True
        alice.keys("still there?\r")
        bob.sees("alice: still there?")
        alice.sees("moved from QUIC to WebSocket")
        bob.keys("of course")
        alice.sees("bob is typing")
        bob.keys("\r")
        alice.sees("bob: of course")
        bob.keys("and now")
        alice.sees("bob is typing")
        print("$ flare chat --user alice --ca-file certs/ca.crt ws://127.0.0.1:4000 quic://127.0.0.1:4010")
        print(alice.text())
        for person in (alice, bob):
            person.keys("\x03")
            person.finish()
    finally:
        stage.close()


if __name__ == "__main__":
    main()
