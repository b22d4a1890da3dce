// flag_parser.h: command lines the way vLLM's users write them.
//
// --max_model_len = --max-model-len, --x v and --x=v, --no-x, unambiguous prefixes, -tp 2, -O3,
// JSON flags by parts, lists up to the next flag, and --config FILE whose values give way to the
// command line.
//
// Errors:  invalid_argument names the flag, the value and what is accepted; an unknown flag also
// names
//          the nearest one. Callers exit with code 2.
// Source:  engine.md section 1, "Parsing rules to copy".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/flags/flag_spec.h"
#include "cli/flags/flag_values.h"

namespace nacelle::cli {

class FlagParser {
 public:
  // `specs` must outlive the parser.
  explicit FlagParser(std::span<const FlagSpec> specs) : specs_(specs) {}

  [[nodiscard]] Result<FlagValues> parse(const std::vector<std::string>& args) const;

  // The flags as text. `filter` = "all", a group's name, or a flag or keyword; "" lists working
  // flags.
  [[nodiscard]] std::string help(std::string_view filter) const;

 private:
  struct Token;

  [[nodiscard]] Result<FlagValues> parse_tokens(const std::vector<std::string>& args,
                                                FlagValues values) const;
  [[nodiscard]] Result<const FlagSpec*> find_long(std::string_view name,
                                                  std::string_view written) const;
  [[nodiscard]] const FlagSpec* find_short(std::string_view name) const;
  [[nodiscard]] std::string nearest(std::string_view name) const;
  [[nodiscard]] Status merge_config_file(const std::string& path, FlagValues& values) const;

  std::span<const FlagSpec> specs_;
};

}  // namespace nacelle::cli
