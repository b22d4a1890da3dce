// tokenizer_json_fuzz.cc: any bytes as tokenizer.json and tokenizer_config.json end in a tokenizer
// that works or in a Status that says something.
//
// The input is both files, and text to encode with what was loaded. Bytes changed at random seldom
// leave JSON, so an input that is JSON is also tried with some of its values swapped for others.

// links: tokenizer base
#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/incremental_decoder.h"
#include "tokenizer/tokenizer.h"

namespace {

using namespace nacelle::tokenizer;

void use(const std::shared_ptr<const Tokenizer>& tokenizer, std::string_view text) {
  const auto ids = tokenizer->encode(text);
  (void)tokenizer->encode(text, {.add_special_tokens = false, .parse_special = false});
  if (!nacelle::is_valid_utf8(tokenizer->decode(ids))) std::abort();
  IncrementalDecoder decoder(tokenizer, {});
  for (const nacelle::TokenId id : ids) {
    if (!nacelle::is_valid_utf8(decoder.append(id))) std::abort();
    (void)tokenizer->token_text(id, TokenPlace::kInside);
  }
  if (!nacelle::is_valid_utf8(decoder.flush())) std::abort();
}

void load_and_use(std::string_view json) {
  const auto loaded = Tokenizer::from_json(json);
  if (loaded.ok()) {
    use(*loaded, "Hello  wörld, 12345 <s>x</s>\n\t▁▁ e\u0301\u0323 漢字 😀 don't \x01\x7F");
    use(*loaded, json.substr(0, 2000));
  } else if (loaded.error().message().empty()) {
    std::abort();
  }
  const auto config = parse_tokenizer_config(json);
  if (!config.ok() && config.error().message().empty()) std::abort();
}

// Writes a document with about one value in `rarity` replaced by a stock value or by another value
// of the same document.
class Swapper {
 public:
  Swapper(simdjson::dom::element root, std::uint64_t seed, std::uint32_t rarity)
      : random_(seed), rarity_(rarity) {
    collect(root, 0);
    write(root, 0);
  }
  [[nodiscard]] const std::string& text() const { return out_; }

 private:
  void collect(simdjson::dom::element value, int depth) {
    all_.push_back(value);
    if (depth > 64) return;
    if (value.is_array()) {
      for (const auto item : value.get_array()) collect(item, depth + 1);
    } else if (value.is_object()) {
      for (const auto [key, item] : value.get_object()) collect(item, depth + 1);
    }
  }

  void write(simdjson::dom::element value, int depth) {
    static constexpr std::string_view kStock[] = {"null",
                                                  "true",
                                                  "-1",
                                                  "0",
                                                  "1",
                                                  "255",
                                                  "4194303",
                                                  "1e300",
                                                  "\"\"",
                                                  "\"a\"",
                                                  "\"▁\"",
                                                  "[]",
                                                  "{}",
                                                  "\"NFC\"",
                                                  "\"ByteLevel\"",
                                                  "\"Isolated\"",
                                                  "{\"type\":\"Fuse\"}",
                                                  "{\"String\":\"l\"}",
                                                  "{\"Regex\":\"\\\\s+|x*\"}",
                                                  "{\"type\":\"Metaspace\"}"};
    const bool swap = random_() % rarity_ == 0;
    if (swap && random_() % 2 == 0) {
      out_ += kStock[random_() % std::size(kStock)];
      return;
    }
    if (swap) value = all_[random_() % all_.size()];
    if (depth > 100 || out_.size() > 200'000) {
      out_ += "null";
    } else if (value.is_array()) {
      out_ += '[';
      bool first = true;
      for (const auto item : value.get_array()) {
        if (!std::exchange(first, false)) out_ += ',';
        write(item, depth + 1);
      }
      out_ += ']';
    } else if (value.is_object()) {
      out_ += '{';
      bool first = true;
      for (const auto [key, item] : value.get_object()) {
        if (!std::exchange(first, false)) out_ += ',';
        out_ += quoted(key) + ":";
        write(item, depth + 1);
      }
      out_ += '}';
    } else {
      out_ += simdjson::minify(value);
    }
  }

  static std::string quoted(std::string_view key) {
    std::string out = "\"";
    for (const char c : key) {
      if (static_cast<unsigned char>(c) < 0x20) continue;
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  }

  std::mt19937_64 random_;
  std::uint32_t rarity_;
  std::vector<simdjson::dom::element> all_;
  std::string out_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  load_and_use(input);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(input.data(), input.size()).get(root) != simdjson::SUCCESS) return 0;
  for (std::uint32_t i = 0; i < 24; ++i) {
    load_and_use(Swapper(root, size * 1000003 + i, i % 2 == 0 ? 20 : 100).text());
  }
  return 0;
}
