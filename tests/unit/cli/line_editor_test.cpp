#include "apps/flare/line_editor.hpp"

#include <gtest/gtest.h>

#include <clocale>

namespace flare::cli {
namespace {

class LineEditorTest : public ::testing::Test {
protected:
    static void SetUpTestSuite() { ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }

    // Types and returns the lines that were completed.
    std::vector<std::string> type(std::string_view bytes) {
        std::vector<std::string> lines;
        for (const auto& action : editor.feed(bytes)) {
            if (action.act == LineEditor::Act::line) lines.push_back(action.line);
            last = action.act;
        }
        return lines;
    }
    LineEditor editor;
    LineEditor::Act last{};
};

TEST_F(LineEditorTest, EnterCompletesTheLineAndEmptiesTheEditor) {
    EXPECT_EQ(type("hello\rand more"), std::vector<std::string>{"hello"});
    EXPECT_EQ(editor.text(), "and more");
}

TEST_F(LineEditorTest, CharactersMayComeCutAnywhere) {
    const std::string text = "\u00e9\u4f60\U0001f600";
    for (const char each : text) type({&each, 1});
    EXPECT_EQ(editor.text(), text);
}

TEST_F(LineEditorTest, BytesThatAreNoUtf8AreDropped) {
    type("a\xff\xc0\x80\xed\xa0\x80\xf5\x80 \x80z");
    EXPECT_EQ(editor.text(), "a z");
}

TEST_F(LineEditorTest, ControlCharactersNeverEnterTheText) {
    type(
        "a\x01\x02\xc2\x9b"
        "b");  // U+009B begins an escape sequence on some terminals
    EXPECT_EQ(editor.text(), "ba");
}

TEST_F(LineEditorTest, BackspaceTakesACharacterWithWhatCombinesWithIt) {
    type("xe\u0301\x7f");
    EXPECT_EQ(editor.text(), "x");
    type("\u4f60\u597d\x7f");
    EXPECT_EQ(editor.text(), "x\u4f60");
}

TEST_F(LineEditorTest, TheCursorMovesByCharacters) {
    type("a\u4f60z\x1b[D\x1b[D*");
    EXPECT_EQ(editor.text(), "a*\u4f60z");
    type("\x1b[H<\x1b[F>");
    EXPECT_EQ(editor.text(), "<a*\u4f60z>");
    type("\x1b[3~\x01\x1b[3~");  // Delete at the end does nothing, at the beginning it takes the first
    EXPECT_EQ(editor.text(), "a*\u4f60z>");
}

TEST_F(LineEditorTest, KeysOfTheShellWork) {
    type("one two three\x17");
    EXPECT_EQ(editor.text(), "one two ");
    type("\x02\x02\x0b");
    EXPECT_EQ(editor.text(), "one tw");
    type("\x15");
    EXPECT_EQ(editor.text(), "");
}

TEST_F(LineEditorTest, EarlierLinesComeBackAndTheDraftIsKept) {
    type("first\rsecond\rdraft\x1b[A");
    EXPECT_EQ(editor.text(), "second");
    type("\x1b[A\x1b[A");
    EXPECT_EQ(editor.text(), "first");
    type("\x1b[B\x1b[B");
    EXPECT_EQ(editor.text(), "draft");
}

TEST_F(LineEditorTest, WhatIsPastedDoesNotSend) {
    EXPECT_TRUE(type("\x1b[200~one\rtwo\x1b[201~").empty());
    EXPECT_EQ(editor.text(), "one two");
    EXPECT_EQ(type("\r"), std::vector<std::string>{"one two"});
}

TEST_F(LineEditorTest, CtrlDEndsOnlyAnEmptyLine) {
    type("ab\x01\x04");
    EXPECT_EQ(editor.text(), "b");
    type("\x04\x04");
    EXPECT_EQ(last, LineEditor::Act::end);
}

TEST_F(LineEditorTest, UnknownSequencesDoNothing) {
    type("a\x1b[99;5~\x1b[1;5Xb\x1bOP\x1bqc");
    EXPECT_EQ(editor.text(), "abc");
}

TEST_F(LineEditorTest, TheViewHoldsTheCursorAndFits) {
    type("\u4f60\u597d\u4e16\u754c!");  // nine columns
    EXPECT_EQ(editor.view(20).text, "\u4f60\u597d\u4e16\u754c!");
    EXPECT_EQ(editor.view(20).cursor, 9u);
    const auto end = editor.view(6);  // five columns and the cursor's own
    EXPECT_EQ(end.text, "\u4e16\u754c!");
    EXPECT_EQ(end.cursor, 5u);
    type("\x01");
    const auto begin = editor.view(6);
    EXPECT_EQ(begin.text, "\u4f60\u597d");  // half a character is none
    EXPECT_EQ(begin.cursor, 0u);
}

TEST_F(LineEditorTest, ColumnsAreCountedAsTheTerminalShowsThem) {
    EXPECT_EQ(columns_of("ab\u4f60e\u0301"), 5u);
    EXPECT_EQ(clipped("\u4f60\u597d", 3), "\u4f60");
    EXPECT_EQ(clipped("abc", 3), "abc");
}

}  // namespace
}  // namespace flare::cli
