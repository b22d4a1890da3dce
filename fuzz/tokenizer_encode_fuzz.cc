// tokenizer_encode_fuzz.cc: any bytes as text, against tokenizers that know every byte: decoding
// gives the text back, whole and token by token.

// links: tokenizer base
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/utf8.h"
#include "tokenizer/incremental_decoder.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode/byte_chars.h"

namespace {

using namespace nacelle::tokenizer;

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

// The byte alphabet, a few merges and the regex of a family.
std::shared_ptr<const Tokenizer> byte_level(std::string_view regex) {
  std::string vocab;
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    vocab += fmt::format("\"{}\":{},", escape(bytes_to_chars(std::string_view(&byte, 1))), b);
  }
  const std::string json = fmt::format(
      R"({{"added_tokens":[{{"id":260,"content":"<s>","special":true}}],
      "pre_tokenizer":{{"type":"Sequence","pretokenizers":[
        {{"type":"Split","pattern":{{"Regex":"{}"}},"behavior":"Isolated","invert":false}},
        {{"type":"ByteLevel","add_prefix_space":false,"use_regex":false}}]}},
      "model":{{"type":"BPE","vocab":{{{}"aa":256,"aaaa":257,"Ġa":258,"ĠĠ":259}},
                "merges":["a a","aa aa","Ġ a","Ġ Ġ"]}},"decoder":{{"type":"ByteLevel"}}}})",
      escape(regex), vocab);
  const auto loaded = Tokenizer::from_json(json);
  if (!loaded.ok()) std::abort();
  return *loaded;
}

// SentencePiece style: bytes as a fallback, U+2581 for spaces.
std::shared_ptr<const Tokenizer> byte_fallback() {
  std::string vocab;
  for (int b = 0; b < 256; ++b) vocab += fmt::format("\"<0x{:02X}>\":{},", b, b);
  const std::string json = fmt::format(
      R"({{"normalizer":{{"type":"Replace","pattern":{{"String":" "}},"content":"▁"}},
      "model":{{"type":"BPE","byte_fallback":true,"vocab":{{{}"a":256,"▁":257,"▁a":258,"▁▁":259}},
                "merges":["▁ a","▁ ▁"]}},
      "decoder":{{"type":"Sequence","decoders":[
                {{"type":"Replace","pattern":{{"String":"▁"}},"content":" "}},
                {{"type":"ByteFallback"}},{{"type":"Fuse"}}]}}}})",
      vocab);
  const auto loaded = Tokenizer::from_json(json);
  if (!loaded.ok()) std::abort();
  return *loaded;
}

void check(const std::shared_ptr<const Tokenizer>& tokenizer, std::string_view text,
           const std::string& expected) {
  const auto ids = tokenizer->encode(text);
  const DecodeOptions keep{.skip_special_tokens = false};
  if (tokenizer->decode(ids, keep) != expected) std::abort();
  IncrementalDecoder decoder(tokenizer, {}, keep);
  std::string streamed;
  for (const nacelle::TokenId id : ids) streamed += decoder.append(id);
  streamed += decoder.flush();
  if (streamed != expected) std::abort();
}

std::string replace_mark(std::string text) {
  for (std::size_t at = 0; (at = text.find("▁", at)) != std::string::npos;)
    text.replace(at, 3, " ");
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kRest = R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  constexpr std::string_view kContractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  static const std::vector<std::shared_ptr<const Tokenizer>> kByteLevel{
      byte_level(fmt::format(R"({}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}{})", kContractions,
                             kRest)),
      byte_level(
          fmt::format(R"({}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{})", kContractions, kRest)),
      byte_level(R"(\p{N}{1,3})"),
      byte_level(R"([^\s]{2,5}|\s)"),
  };
  static const std::shared_ptr<const Tokenizer> kByteFallback = byte_fallback();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string clean = nacelle::sanitize_utf8(text);
  for (const auto& tokenizer : kByteLevel) check(tokenizer, text, clean);
  check(kByteFallback, text, replace_mark(clean));
  return 0;
}
