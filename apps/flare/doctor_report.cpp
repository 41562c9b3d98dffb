#include "doctor_report.hpp"

#include <cstdio>
#include <utility>

namespace flare::cli {
namespace {

struct Mark {
    const char* sign;
    Tone tone;
    const char* word;
};

Mark mark_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::fine: return {"\u2713", Tone::good, "fine"};
        case Verdict::warning: return {"!", Tone::warning, "warning"};
        case Verdict::problem: return {"\u2717", Tone::bad, "problem"};
        case Verdict::skipped: break;
    }
    return {"-", Tone::dim, "skipped"};
}

std::string counted(std::size_t count, const char* word) {
    return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

}  // namespace

Check fine(std::string name, std::string text) { return {std::move(name), Verdict::fine, "", std::move(text), ""}; }
Check problem(std::string name, std::string_view code, std::string text, std::string advice) {
    return {std::move(name), Verdict::problem, std::string(code), std::move(text), std::move(advice)};
}
Check warning(std::string name, std::string_view code, std::string text, std::string advice) {
    return {std::move(name), Verdict::warning, std::string(code), std::move(text), std::move(advice)};
}
Check skipped(std::string name, std::string why) { return {std::move(name), Verdict::skipped, "", std::move(why), ""}; }

std::string advice_for(errc code) {
    const std::string_view text = explain(code);
    const std::size_t cut = text.rfind("; ");
    return std::string(cut == text.npos ? text : text.substr(cut + 2));
}

void Report::begin(std::string subject) {
    progress_.reset();
    subject_ = std::move(subject);
    if (!json_) std::printf("%s\n", coloured(Tone::strong, printable(subject_)).c_str());
    static_cast<void>(flush_output());
    progress_.emplace("examining " + printable(subject_));
}

void Report::add(Check check) {
    problems_ += check.verdict == Verdict::problem ? 1u : 0u;
    warnings_ += check.verdict == Verdict::warning ? 1u : 0u;
    if (json_) {
        boost::json::object object{
            {"about", subject_}, {"check", check.name}, {"verdict", mark_of(check.verdict).word}, {"text", check.text}};
        if (!check.code.empty()) object["code"] = check.code;
        if (!check.advice.empty()) object["advice"] = check.advice;
        checks_.push_back(std::move(object));
        return;
    }
    progress_.reset();
    print(check);
    progress_.emplace("examining " + printable(subject_));
}

void Report::print(const Check& check) {
    const Mark mark = mark_of(check.verdict);
    std::printf("  %s %-18s %s\n", coloured(mark.tone, mark.sign).c_str(), printable(check.name).c_str(),
                coloured(check.verdict == Verdict::skipped ? Tone::dim : Tone::plain, printable(check.text)).c_str());
    if (!check.advice.empty())
        std::printf("    %s %s\n", coloured(mark.tone, "\u2192").c_str(), printable(check.advice).c_str());
    static_cast<void>(flush_output());
}

void Report::finish() {
    progress_.reset();
    if (json_) {
        return print_json(
            {{"ok", problems_ == 0}, {"problems", problems_}, {"warnings", warnings_}, {"checks", checks_}});
    }
    const std::string also = warnings_ == 0 ? "" : ", " + counted(warnings_, "warning");
    std::printf("\n%s\n", problems_ == 0 ? coloured(Tone::good, "no problems found" + also).c_str()
                                         : coloured(Tone::bad, counted(problems_, "problem") + also).c_str());
}

}  // namespace flare::cli
