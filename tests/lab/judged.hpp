// What the scenarios in mid-conversation have in common: a stage with traffic, the sum over the runs, the last line.
#pragma once

#include "lab/lab.hpp"
#include "lab/stage.hpp"

#include <string>

namespace flare::lab {

class Judged {
public:
    Judged(const char* scenario, const Options& options) : scenario_(scenario), options_(options) {}

    // Of one run. What is wrong is printed with the client's events.
    void add(const Stage::Outcome& outcome, const EventLog& events);
    // Something that must hold whatever the times.
    void expect(bool holds, const std::string& what);
    // A time, in milliseconds, that must hold with --limits.
    void limit(const std::string& what, double measured, double most);

    Figures silences;  // ms

    // Prints the sum; returns the exit status.
    int finish();
    int status() const { return good_ ? 0 : 1; }

private:
    const char* const scenario_;
    const Options options_;
    int runs_ = 0;
    Stage::Outcome sum_;
    bool good_ = true;
    std::string extra_;  // of the JSON object
};

}  // namespace flare::lab
