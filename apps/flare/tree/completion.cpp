#include "tree/command_tree.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace flare::cli {
namespace {

void visit(const CommandNode& node, const std::function<void(const CommandNode&)>& use) {
    use(node);
    for (const CommandNode& each : node.commands) visit(each, use);
}

// "flare server"|"flare token"|...: what goes one command deeper.
std::string paths_below(const CommandNode& root) {
    std::string patterns;
    visit(root, [&](const CommandNode& node) {
        if (&node != &root) patterns.append(patterns.empty() ? "" : "|").append("\"" + node.path + "\"");
    });
    return patterns;
}

// As one word of a shell.
std::string shell_word(std::string_view text) {
    std::string word = "'";
    for (const char c : text) {
        if (c == '\'') {
            word += "'\\''";
        } else {
            word += c;
        }
    }
    return word + "'";
}

// What may stand here besides options: commands, and values of a place that can be told.
std::vector<std::pair<std::string, std::string>> verbs_of(const CommandNode& node) {
    std::vector<std::pair<std::string, std::string>> verbs;
    for (const CommandNode& each : node.commands) verbs.emplace_back(each.name, each.says);
    for (const OptionNode& each : node.options) {
        if (!each.positional) continue;
        for (const std::string& choice : each.choices) verbs.emplace_back(choice, each.says);
    }
    return verbs;
}

std::vector<std::pair<std::string, std::string>> flags_of(const CommandNode& node) {
    std::vector<std::pair<std::string, std::string>> flags;
    for (const OptionNode& each : node.options) {
        if (each.positional) continue;
        for (const std::string& name : each.names) flags.emplace_back(name, each.says);
    }
    return flags;
}

std::string first_of(const std::vector<std::pair<std::string, std::string>>& words) {
    std::string text;
    for (const auto& [word, says] : words) text.append(text.empty() ? "" : " ").append(word);
    return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    std::string text;
    for (const std::string& each : words) text.append(text.empty() ? "" : between).append(each);
    return text;
}

// For each option whose values can be told: what stands before such a value, as a pattern of a shell's `case`, and the
// values.
std::vector<std::pair<std::string, std::string>> choices_of(const CommandNode& root) {
    std::vector<std::pair<std::string, std::string>> all;
    visit(root, [&](const CommandNode& node) {
        for (const OptionNode& each : node.options) {
            if (each.positional || each.choices.empty()) continue;
            std::vector<std::string> patterns;
            for (const std::string& name : each.names) patterns.push_back(shell_word(node.path + " " + name));
            all.emplace_back(joined(patterns, "|"), joined(each.choices, " "));
        }
    });
    return all;
}

}  // namespace

std::string bash_completion(const CommandNode& root) {
    std::string text =
        "# Completion of flare for bash: source <(flare completion bash)\n_flare() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
        "    local place=flare words= i\n"
        "    for ((i = 1; i < COMP_CWORD; ++i)); do\n"
        "        case \"$place ${COMP_WORDS[i]}\" in\n            " +
        paths_below(root) +
        ") place=\"$place ${COMP_WORDS[i]}\" ;;\n        esac\n    done\n"
        "    case \"$place $previous\" in\n";
    for (const auto& [before, choices] : choices_of(root))
        text += "        " + before + ") words=" + shell_word(choices) + " ;;\n";
    text += "        *)\n            case \"$place\" in\n";
    visit(root, [&](const CommandNode& node) {
        text += "                " + shell_word(node.path) +
                ")\n                    words=" + shell_word(first_of(verbs_of(node))) +
                "\n                    [[ $current == -* ]] && words=" + shell_word(first_of(flags_of(node))) +
                "\n                    ;;\n";
    });
    return text +
           "            esac\n            ;;\n    esac\n"
           "    COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n}\n"
           "complete -o default -F _flare flare\n";  // where nothing fits: names of files
}

std::string zsh_completion(const CommandNode& root) {
    // A colon divides a word from what is said of it.
    const auto described = [](std::string name, const std::string& says) {
        return shell_word(name.append(":").append(says));
    };
    std::string text =
        "#compdef flare\n# Completion of flare for zsh: a file _flare in a folder of $fpath.\n_flare() {\n"
        "    local place=flare i\n    local -a verbs flags\n"
        "    for ((i = 2; i < CURRENT; ++i)); do\n        case \"$place ${words[i]}\" in\n            (" +
        paths_below(root) +
        ") place=\"$place ${words[i]}\" ;;\n        esac\n    done\n"
        "    case \"$place ${words[CURRENT-1]}\" in\n";
    for (const auto& [before, choices] : choices_of(root))
        text += "        (" + before + ") compadd -- " + choices + "; return ;;\n";
    text += "    esac\n    case \"$place\" in\n";
    visit(root, [&](const CommandNode& node) {
        text += "        (" + shell_word(node.path) + ")\n            verbs=(";
        for (const auto& [word, says] : verbs_of(node)) text += "\n                " + described(word, says);
        text += ")\n            flags=(";
        for (const auto& [word, says] : flags_of(node)) text += "\n                " + described(word, says);
        text += ") ;;\n";
    });
    return text +
           "    esac\n    if [[ $PREFIX == -* ]]; then\n        _describe option flags\n"
           "    elif (($#verbs)); then\n        _describe command verbs\n    else\n        _files\n    fi\n}\n"
           "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _flare \"$@\"; else compdef _flare flare; fi\n";
}

std::string fish_completion(const CommandNode& root) {
    std::string text =
        "# Completion of flare for fish: flare completion fish > ~/.config/fish/completions/flare.fish\n"
        "function __flare_at\n    set -l place flare\n    for word in (commandline -opc)[2..-1]\n"
        "        switch \"$place $word\"\n            case ";
    visit(root, [&](const CommandNode& node) {
        if (&node != &root) text += shell_word(node.path) + " ";
    });
    text +=
        "\n                set place \"$place $word\"\n        end\n    end\n    test \"$place\" = \"$argv\"\nend\n";
    visit(root, [&](const CommandNode& node) {
        const std::string here = "complete -c flare -n " + shell_word("__flare_at " + node.path);
        for (const CommandNode& each : node.commands)
            text += here + " -f -a " + each.name + " -d " + shell_word(each.says) + "\n";
        for (const OptionNode& each : node.options) {
            if (each.positional) continue;
            text += here;
            for (const std::string& name : each.names)
                text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!each.type.empty()) text += " -r";
            if (!each.choices.empty()) text += " -f -a " + shell_word(joined(each.choices, " "));
            text += " -d " + shell_word(each.says) + "\n";
        }
    });
    return text;
}

}  // namespace flare::cli
