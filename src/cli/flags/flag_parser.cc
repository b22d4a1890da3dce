#include "cli/flags/flag_parser.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>

#include "base/file.h"
#include "base/nearest_name.h"
#include "cli/flags/convert.h"

namespace nacelle::cli {
namespace {

bool looks_like_flag(const std::string& arg) {
  if (arg.size() < 2 || arg[0] != '-') return false;
  return !(arg[1] >= '0' && arg[1] <= '9') && arg[1] != '.';  // -1 is a value
}

}  // namespace

// One flag as written: --name.part=value.
struct FlagParser::Token {
  std::string name;  // dashes only, up to the first '.'
  std::string part;  // after the first '.', "" = none
  std::optional<std::string> inline_value;

  static Token split(const std::string& arg) {
    Token token;
    std::string text = arg.substr(arg.rfind("--", 0) == 0 ? 2 : 1);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) {
      token.inline_value = text.substr(equals + 1);
      text.resize(equals);
    }
    const std::size_t dot = text.find('.');
    if (dot != std::string::npos) {
      token.part = text.substr(dot + 1);
      text.resize(dot);
    }
    std::replace(text.begin(), text.end(), '_', '-');
    token.name = text;
    return token;
  }
};

std::string FlagParser::nearest(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const FlagSpec& spec : specs_) known.push_back(spec.name);
  const std::string_view best = nearest_name(name, known);
  return best.empty() ? std::string("see --help=all") : fmt::format("did you mean --{}?", best);
}

Result<const FlagSpec*> FlagParser::find_long(std::string_view name,
                                              std::string_view written) const {
  const FlagSpec* match = nullptr;
  std::string candidates;
  for (const FlagSpec& spec : specs_) {
    if (spec.name == name) return &spec;
    if (!spec.name.starts_with(name)) continue;
    candidates += fmt::format(" --{}", spec.name);
    match = match == nullptr ? &spec : match;
  }
  if (match == nullptr) return invalid_argument("unknown flag {}; {}", written, nearest(name));
  if (candidates.find(" --", 1) != std::string::npos) {
    return invalid_argument("{} is ambiguous; it could be{}", written, candidates);
  }
  return match;
}

const FlagSpec* FlagParser::find_short(std::string_view name) const {
  for (const FlagSpec& spec : specs_) {
    if (!spec.short_name.empty() && spec.short_name == name) return &spec;
  }
  return nullptr;
}

Result<FlagValues> FlagParser::parse(const std::vector<std::string>& args) const {
  ASSIGN_OR_RETURN(FlagValues values, parse_tokens(args, {}));
  if (values.has("config")) RETURN_IF_ERROR(merge_config_file(values.text("config"), values));
  return values;
}

Result<FlagValues> FlagParser::parse_tokens(const std::vector<std::string>& args,
                                            FlagValues values) const {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (!looks_like_flag(arg)) {
      values.positional.push_back(arg);
      continue;
    }
    Token token = Token::split(arg);
    const FlagSpec* spec = nullptr;
    bool negated = false;
    if (arg.rfind("--", 0) != 0) {
      spec = find_short(token.name);
      if (spec == nullptr && token.name.size() > 1 && token.name[0] == 'O') {  // -O3
        spec = find_short("O");
        token.inline_value = token.name.substr(1);
      }
      if (spec == nullptr) return invalid_argument("unknown flag {}; see --help=all", arg);
    } else {
      auto found = find_long(token.name, arg);
      if (!found && token.name.starts_with("no-")) {
        found = find_long(std::string_view(token.name).substr(3), arg);
        negated = found.has_value();
      }
      if (!found) return found.error();
      spec = *found;
    }

    if (spec->kind == FlagKind::kBool) {
      if (token.inline_value) {
        return invalid_argument("--{} takes no value; use --{} or --no-{}", spec->name, spec->name,
                                spec->name);
      }
      FlagValue value;
      value.boolean = !negated;
      value.text = negated ? "false" : "true";
      values.set(spec->name, std::move(value));
      continue;
    }
    if (negated) return invalid_argument("{}: --{} is not a switch", arg, spec->name);
    if (!token.part.empty() && spec->kind != FlagKind::kJson) {
      return invalid_argument("{}: --{} takes one value, not dotted parts", arg, spec->name);
    }

    std::vector<std::string> texts;
    if (token.inline_value) {
      texts.push_back(*token.inline_value);
    } else {
      while (i + 1 < args.size() && !looks_like_flag(args[i + 1])) {
        texts.push_back(args[++i]);
        if (spec->kind != FlagKind::kList) break;
      }
    }
    if (texts.empty()) return invalid_argument("--{} needs a value", spec->name);

    if (!token.part.empty()) {
      FlagValue value;
      value.json = values.json(spec->name);
      const Status assigned = assign_part(value.json, token.part, texts[0]);
      if (!assigned.ok()) return assigned.with_context(arg);
      value.text = value.json.dump();
      values.set(spec->name, std::move(value));
      continue;
    }
    if (values.has(spec->name)) {
      values.warnings.push_back(
          fmt::format("--{} is given more than once; the last value counts", spec->name));
    }
    ASSIGN_OR_RETURN(FlagValue value, convert(*spec, texts[0]));
    if (spec->kind == FlagKind::kList) value.list = std::move(texts);
    values.set(spec->name, std::move(value));
  }
  return values;
}

Status FlagParser::merge_config_file(const std::string& path, FlagValues& values) const {
  ASSIGN_OR_RETURN(const std::string content, read_file(path, 1 << 20));
  std::vector<std::string> args;
  std::string model;
  try {
    const YAML::Node root = YAML::Load(content);
    if (!root.IsMap()) return invalid_argument("{}: expected a map of flag names", path);
    for (const auto& entry : root) {
      const auto key = entry.first.as<std::string>();
      const YAML::Node& node = entry.second;
      if (key == "model" || key == "model_tag") {
        model = node.as<std::string>();
      } else if (node.IsSequence()) {
        args.push_back("--" + key);
        for (const auto& item : node) args.push_back(item.as<std::string>());
      } else if (node.IsMap()) {
        return invalid_argument("{}: {} holds a map; write it as a JSON text", path, key);
      } else if (const auto text = node.as<std::string>(); text == "true" || text == "false") {
        args.push_back(text == "true" ? "--" + key : "--no-" + key);
      } else {
        args.push_back(fmt::format("--{}={}", key, text));
      }
    }
  } catch (const YAML::Exception& error) {
    return invalid_argument("{}: {}", path, error.what());
  }
  auto from_file = parse_tokens(args, {});
  if (!from_file) return from_file.error().with_context(path);
  for (const auto& [name, value] : from_file->all()) {
    if (!values.has(name)) values.set(name, value);
  }
  if (values.positional.empty() && !model.empty()) values.positional.push_back(model);
  return {};
}

std::string FlagParser::help(std::string_view filter) const {
  std::string out;
  std::string_view group;
  for (const FlagSpec& spec : specs_) {
    const bool shown = filter == "all" || (filter.empty() && spec.effect == FlagEffect::kWorks) ||
                       (!filter.empty() &&
                        (spec.group == filter || spec.name.find(filter) != std::string_view::npos ||
                         spec.help.find(filter) != std::string_view::npos));
    if (!shown) continue;
    if (spec.group != group) {
      group = spec.group;
      out += fmt::format("\n{}:\n", group);
    }
    std::string left = fmt::format("--{}", spec.name);
    if (!spec.short_name.empty()) left += fmt::format(", -{}", spec.short_name);
    if (spec.kind == FlagKind::kList) left += " V...";
    if (spec.kind == FlagKind::kJson) left += " JSON";
    std::string right(spec.help);
    if (!spec.choices.empty()) right += fmt::format(" [{}]", spec.choices);
    if (!spec.default_text.empty()) right += fmt::format(" (default {})", spec.default_text);
    if (spec.effect == FlagEffect::kAccepted)
      right += right.empty() ? "accepted, no effect here" : " (accepted, no effect here)";
    out += left.size() > 36 ? fmt::format("  {}\n  {:38}{}\n", left, "", right)
                            : fmt::format("  {:38}{}\n", left, right);
  }
  if (out.empty()) out = fmt::format("no flag matches '{}'\n", filter);
  return out;
}

}  // namespace nacelle::cli
