#include "control/core/llmd/engine_args.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "base/human_int.h"

namespace nacelle::control::llmd {
namespace {

constexpr std::int64_t kMostParts = 1 << 16;  // devices of a replica, tokens of a block

// With one of these the model, its size in memory or what is on the device is another.
constexpr std::array<std::string_view, 11> kBeyond = {"quantization",
                                                      "q",
                                                      "cpu-offload-gb",
                                                      "hf-overrides",
                                                      "ep",
                                                      "enable-expert-parallel",
                                                      "model",
                                                      "dcp",
                                                      "decode-context-parallel-size",
                                                      "config",
                                                      "kv-cache-memory-bytes"};

struct Flag {
  std::string name, value;  // without dashes in front; "" for none
};

std::vector<std::string> words_of(const kube::Json& args) {
  constexpr std::string_view kSpace = " \t\r\n";
  std::vector<std::string> out;
  for (const kube::Json& arg : args) {
    if (!arg.is_string()) continue;
    std::string_view rest = arg.get_ref<const std::string&>();
    while (true) {
      rest.remove_prefix(std::min(rest.find_first_not_of(kSpace), rest.size()));
      if (rest.empty()) break;
      const std::size_t end = std::min(rest.find_first_of(kSpace), rest.size());
      out.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
  }
  return out;
}

// "-1" is a value.
bool is_flag(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9');
}

std::vector<Flag> flags_of(const kube::Json& args) {
  const std::vector<std::string> words = words_of(args);
  std::vector<Flag> out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!is_flag(words[i])) continue;
    const std::string_view word = words[i];
    const std::size_t equals = word.find('=');
    Flag flag{std::string(word.substr(0, equals)), ""};
    flag.name.erase(0, flag.name.find_first_not_of('-'));
    flag.name.resize(std::min(flag.name.find('.'), flag.name.size()));  // --hf-overrides.a 1
    std::replace(flag.name.begin(), flag.name.end(), '_', '-');
    if (equals != word.npos) {
      flag.value = word.substr(equals + 1);
    } else if (i + 1 < words.size() && !is_flag(words[i + 1])) {
      flag.value = words[i + 1];
    }
    out.push_back(std::move(flag));
  }
  return out;
}

Status wrong(const Flag& flag, std::string_view wanted) {
  return invalid_argument("--{} is \"{}\", not {}", flag.name, flag.value, wanted);
}

Status read_count(const Flag& flag, std::int64_t& out) {
  const Result<std::int64_t> count = parse_human_int(flag.value);
  if (!count.ok() || *count < 1 || *count > kMostParts)
    return wrong(flag, "a number of at least 1");
  out = *count;
  return {};
}

Status read_length(const Flag& flag, std::int64_t& out) {
  // As much as there is room for: any room will do.
  if (flag.value == "auto" || flag.value == "-1") {
    out = 1;
    return {};
  }
  const Result<std::int64_t> tokens = parse_human_int(flag.value);
  if (!tokens.ok() || *tokens < 1) return wrong(flag, "a number of tokens");
  out = *tokens;
  return {};
}

Status read_utilization(const Flag& flag, double& out) {
  double share = 0;
  const char* end = flag.value.data() + flag.value.size();
  const auto [at, error] = std::from_chars(flag.value.data(), end, share);
  if (error != std::errc() || at != end || !(share > 0 && share <= 1)) {
    return wrong(flag, "a share above 0 and at most 1");
  }
  out = share;
  return {};
}

Status read_dtype(const Flag& flag, std::int64_t& bytes) {
  const std::string_view type = flag.value;
  if (type == "auto" || type == "bfloat16" || type == "float16") {
    bytes = 2;
  } else if (type.starts_with("fp8") || type == "int8") {
    bytes = 1;
  } else {
    return wrong(flag, "a type whose size is known (auto, bfloat16, float16, fp8, int8)");
  }
  return {};
}

Status apply(const Flag& flag, EngineShape& out) {
  const std::string_view name = flag.name;
  if (name == "tensor-parallel-size" || name == "tp") return read_count(flag, out.tensor);
  if (name == "pipeline-parallel-size" || name == "pp") return read_count(flag, out.pipeline);
  if (name == "block-size") return read_count(flag, out.block_tokens);
  if (name == "max-model-len") return read_length(flag, out.max_model_len);
  if (name == "gpu-memory-utilization") return read_utilization(flag, out.utilization);
  if (name == "kv-cache-dtype") return read_dtype(flag, out.kv_value_bytes);
  if (std::find(kBeyond.begin(), kBeyond.end(), name) != kBeyond.end()) {
    return unimplemented("--{} changes what the model takes in a way that is not computed", name);
  }
  return {};
}

}  // namespace

Result<EngineShape> engine_shape(const kube::Json& args) {
  EngineShape out;
  for (const Flag& flag : flags_of(args)) RETURN_IF_ERROR(apply(flag, out));
  return out;
}

std::optional<std::int64_t> max_sequences(const kube::Json& args) {
  std::optional<std::int64_t> out;
  for (const Flag& flag : flags_of(args)) {
    if (flag.name != "max-num-seqs") continue;
    const Result<std::int64_t> count = parse_human_int(flag.value);
    if (count.ok() && *count > 0) out = *count;
  }
  return out;
}

}  // namespace nacelle::control::llmd
