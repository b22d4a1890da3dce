// byte_tokenizer.h: a tokenizer whose tokens are single bytes, for tests of the server.
//
// Token b is byte b; 256 is <|im_start|>, 257 is <|im_end|>; both are special.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/token.h"
#include "base/utf8.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::serve::testing {

inline constexpr TokenId kImStart = 256;
inline constexpr TokenId kImEnd = 257;
inline constexpr std::uint32_t kVocabSize = 258;

// A template in the style of ChatML: "<|im_start|>role\ncontent<|im_end|>\n".
inline constexpr std::string_view kChatMl =
    "{% if tools %}tools:{{ tools | length }}\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

namespace detail {

// The character that stands for a byte in byte-level vocabularies (engine.md section 29).
inline std::string byte_character(int byte) {
  std::string out;
  const auto maps_to_itself = [](int b) {
    return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || (b >= 174 && b <= 255);
  };
  if (maps_to_itself(byte)) {
    append_utf8(out, static_cast<char32_t>(byte));
    return out;
  }
  int others_before = 0;
  for (int b = 0; b < byte; ++b) others_before += maps_to_itself(b) ? 0 : 1;
  append_utf8(out, static_cast<char32_t>(256 + others_before));
  return out;
}

inline nlohmann::json added(int id, const char* content) {
  return {{"id", id},        {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

}  // namespace detail

inline std::shared_ptr<const tokenizer::Tokenizer> byte_tokenizer() {
  nlohmann::json vocab;
  for (int byte = 0; byte < 256; ++byte) vocab[detail::byte_character(byte)] = byte;
  const nlohmann::json byte_level = {{"type", "ByteLevel"},
                                     {"add_prefix_space", false},
                                     {"trim_offsets", false},
                                     {"use_regex", false}};
  const nlohmann::json file = {
      {"version", "1.0"},
      {"added_tokens",
       {detail::added(kImStart, "<|im_start|>"), detail::added(kImEnd, "<|im_end|>")}},
      {"normalizer", nullptr},
      {"pre_tokenizer", byte_level},
      {"post_processor", nullptr},
      {"decoder", byte_level},
      {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", nlohmann::json::array()}}}};
  auto tokenizer = tokenizer::Tokenizer::from_json(file.dump(), R"({"eos_token":"<|im_end|>"})");
  CHECK(tokenizer.ok());
  return std::move(tokenizer).value();
}

inline std::vector<TokenId> bytes_of(std::string_view text) {
  std::vector<TokenId> out;
  for (const char c : text) out.push_back(static_cast<unsigned char>(c));
  return out;
}

}  // namespace nacelle::serve::testing
