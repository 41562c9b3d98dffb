#!/usr/bin/python3
"""flare chat on real pseudo-terminals: two people, a message each way, typing notices, line editing with wide
characters while messages come, another window size, suspending, and UDP that is cut in mid-conversation.

    tests/tools/chat_terminal.py PATH_OF_FLARE PATH_OF_SERVER_EXAMPLE
"""
import os
import signal
import sys
import termios

from chat_stage import Stage


def prompt_row(person, prompt):
    return max((i for i, row in enumerate(person.screen.display) if row.startswith(prompt)), default=-1)


def check(condition, what, person):
    """Waits until it holds: what was seen may be the first half of what is drawn at once."""
    if not person.waits_for(condition):
        raise AssertionError(f"{what}\n{person.text()}")


def talk(stage):
    alice = stage.chat("alice", "--to", "bob")
    alice.sees("QUIC")
    bob = stage.chat("bob", "--to", "alice")
    bob.sees("QUIC")
    return alice, bob


def a_message_each_way(alice, bob):
    alice.keys("hello")
    alice.sees("bob> hello")
    bob.sees("alice is typing")
    alice.keys(" bob, 你好\r")
    bob.sees("alice: hello bob, 你好", without="is typing")
    alice.sees("✓ alice → bob: hello bob, 你好")
    bob.keys("hello alice\r")
    alice.sees("bob: hello alice")
    bob.sees("✓ bob → alice: hello alice")


def editing_survives_messages(alice, bob):
    alice.keys("wide 世界 x\x1b[D\x1b[D")  # the cursor stands behind 界
    alice.sees("bob> wide 世界 x")
    bob.keys("in between\r")
    alice.sees("bob: in between")
    check(lambda: alice.screen.display[prompt_row(alice, "bob> ")].rstrip() == "bob> wide 世界 x", "the line is drawn again", alice)
    check(lambda: alice.screen.cursor.y == prompt_row(alice, "bob> "), "the cursor is in the line", alice)
    check(lambda: alice.screen.cursor.x == len("bob> wide ") + 4, "the cursor counts wide characters twice", alice)
    check(lambda: sum(each.startswith("bob> ") for each in alice.rows()) == 1, "the line is there once", alice)
    alice.keys("!\r")
    bob.sees("alice: wide 世界! x")


def resizing_redraws(alice, bob):
    alice.keys("kept while the window changes")
    alice.sees("bob> kept while the window changes")
    alice.resize(24, 16)
    alice.sees("bob> ", without="kept while the window changes")
    alice.sees("window changes")  # the end of the line, where the cursor is
    alice.resize(72, 16)
    alice.sees("bob> kept while the window changes")
    check(lambda: sum(each.startswith("bob> ") for each in alice.rows()) == 1, "the line is there once", alice)
    alice.keys("\x15")


def local_modes(person):
    return termios.tcgetattr(person.fd)[3]


def suspending_gives_the_terminal_back(alice):
    alice.keys("half a line")
    alice.sees("bob> half a line")
    alice.keys("\x1a")
    os.waitpid(alice.pid, os.WUNTRACED)  # it has stopped
    while alice.look(0.2) and any("half a line" in row for row in alice.rows()):
        pass
    check(lambda: local_modes(alice) & termios.ICANON and local_modes(alice) & termios.ECHO, "the terminal is as it was", alice)
    os.kill(alice.pid, signal.SIGCONT)
    alice.sees("bob> half a line")
    check(lambda: not local_modes(alice) & termios.ICANON, "the terminal is taken again", alice)
    alice.keys("\x15")


def says_why(text):
    return text.startswith(("QUIC stopped answering", "it measures better (score "))


def the_chat_goes_on_without_udp(stage, alice, bob):
    stage.relay.cut = True
    alice.keys("can you still hear me?\r")
    bob.sees("alice: can you still hear me?")
    alice.sees("✓ alice → bob: can you still hear me?")
    bob.keys("I can\r")
    alice.sees("bob: I can")
    for person in (alice, bob):
        # Either the session noticed the silence, or a race under way measured what came of it.
        person.sees("* moved from QUIC to WebSocket: ")
        check(lambda: says_why(person.text().split("* moved from QUIC to WebSocket: ")[1]), "it says why", person)
    check(lambda: any(row.startswith("WebSocket") for row in alice.screen.display), "the status line says so", alice)


def failures_are_told(alice):
    alice.keys("/to nobody\r")
    alice.sees("nobody>")
    alice.keys("hello?\r")
    alice.sees("✗ alice → nobody: hello? (the user has no session")


def every_way_out_restores(stage, alice, bob):
    alice.keys("/quit\r")
    bob.keys("\x04")
    for person in (alice, bob):
        code = person.finish()
        check(lambda: code == 0, "it ends well", person)
        check(lambda: person.raw.rstrip().endswith(b"\x1b[?2004l"), "bracketed paste is off again", person)
        check(lambda: b"?1049h" not in person.raw, "no alternate screen", person)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        carol = stage.chat("carol")
        carol.sees("server>")
        os.kill(carol.pid, number)
        code = carol.finish()
        check(lambda: code == 0, f"signal {number} ends it well", carol)
        check(lambda: b"\x1b[?2004l" in carol.raw, f"signal {number} gives the terminal back", carol)


def main():
    stage = Stage(sys.argv[1], sys.argv[2])
    try:
        alice, bob = talk(stage)
        a_message_each_way(alice, bob)
        editing_survives_messages(alice, bob)
        resizing_redraws(alice, bob)
        suspending_gives_the_terminal_back(alice)
        the_chat_goes_on_without_udp(stage, alice, bob)
        failures_are_told(alice)
        every_way_out_restores(stage, alice, bob)
        print("chat_terminal.py: all went as it should")
    finally:
        stage.close()


if __name__ == "__main__":
    main()
