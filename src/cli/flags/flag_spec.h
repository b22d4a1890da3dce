// flag_spec.h: what one command line flag accepts.
//
// A command is a table of these (cli/vllm_flags.h is the longest). `works` says whether the value
// changes anything here: flags that only mean something on other hardware parse, are checked for
// their kind, and are reported in one log line.
#pragma once

#include <string_view>

namespace nacelle::cli {

enum class FlagKind {
  kBool,  // --x and --no-x
  kInt,
  kHumanInt,  // 32k = 32000, 32K = 32768, 25.6k; also "auto" and -1 where the flag says so
  kFloat,
  kString,
  kList,  // one or more values up to the next flag; repeats append nothing: the last use wins
  kJson,  // one JSON text, or dotted parts: --x.a.b 1, --x.list+ v
};

enum class FlagEffect { kWorks, kAccepted };

struct FlagSpec {
  std::string_view name;        // without dashes: "max-model-len"
  std::string_view short_name;  // without dash: "tp"; "" = none
  FlagKind kind = FlagKind::kString;
  FlagEffect effect = FlagEffect::kAccepted;
  std::string_view group;  // heading in --help
  std::string_view default_text;
  std::string_view help;
  std::string_view choices;  // "a|b|c"; "" = anything
};

}  // namespace nacelle::cli
