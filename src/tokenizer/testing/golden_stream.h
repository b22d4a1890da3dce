// golden_stream.h: the text that tools/goldens/tokenizer.py hashes, made again step by step.
//
// For tests and benchmarks only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace nacelle::tokenizer {

inline constexpr std::uint64_t kFnvStart = 0xCBF29CE484222325ull;

inline std::uint64_t fnv(std::uint64_t value, std::uint64_t state) {
  return (state ^ value) * 0x100000001B3ull;
}

class GoldenRandom {
 public:
  explicit GoldenRandom(std::uint64_t seed) : state_(seed) {}
  std::uint32_t below(std::uint32_t n) {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<std::uint32_t>((state_ >> 33) % n);
  }

 private:
  std::uint64_t state_;
};

inline std::string random_bytes(GoldenRandom& random) {
  std::string out;
  for (std::uint32_t left = random.below(41); left > 0; --left) {
    const std::uint32_t kind = random.below(4);
    std::uint32_t byte = 0;
    if (kind == 0) byte = random.below(256);
    if (kind == 1) byte = 0x80 + random.below(0x40);
    if (kind == 2) byte = 0xC0 + random.below(0x40);
    if (kind == 3) byte = 0x20 + random.below(0x60);
    out.push_back(static_cast<char>(byte));
  }
  return out;
}

class GoldenStream {
 public:
  // `corpus`: records between U+001E.
  GoldenStream(std::string_view corpus, std::uint64_t seed) : random_(seed) {
    while (true) {
      const std::size_t end = corpus.find('\x1e');
      Record record{std::string(corpus.substr(0, end)), {}};
      for (std::size_t pos = 0; pos < record.text.size();) {
        record.starts.push_back(pos);
        pos += decode_utf8(record.text, pos).length;
      }
      record.starts.push_back(record.text.size());
      records_.push_back(std::move(record));
      if (end == std::string_view::npos) break;
      corpus.remove_prefix(end + 1);
    }
  }

  // At least 4096 bytes.
  std::string chunk() {
    std::string out;
    while (out.size() < 4096) append_to(out);
    return out;
  }

 private:
  struct Record {
    std::string text;
    std::vector<std::size_t> starts;  // of each character, and the end
  };

  void append_to(std::string& out) {
    const std::uint32_t kind = random_.below(16);
    const Record& record = records_[random_.below(static_cast<std::uint32_t>(records_.size()))];
    const auto length = static_cast<std::uint32_t>(record.starts.size() - 1);
    if (kind < 9) {
      out += record.text;
    } else if (kind < 11) {
      const std::uint32_t first = random_.below(length + 1);
      const std::uint32_t count = random_.below(length - first + 1);
      out += record.text.substr(record.starts[first],
                                record.starts[first + count] - record.starts[first]);
    } else if (kind == 11) {
      const char32_t c = random_.below(0x110000);
      append_utf8(out, c >= 0xD800 && c <= 0xDFFF ? kReplacementChar : c);
    } else if (kind == 12) {
      for (std::uint32_t left = 1 + random_.below(8); left > 0; --left) {
        append_utf8(out, random_.below(0x3400));
      }
    } else if (kind == 13) {
      const char32_t c = U" \n\ta0!\u00a0\u00e9"[random_.below(8)];
      for (std::uint32_t left = 1 + random_.below(100); left > 0; --left) append_utf8(out, c);
    } else {
      out += kind == 14 ? " " : "\n";
    }
  }

  std::vector<Record> records_;
  GoldenRandom random_;
};

}  // namespace nacelle::tokenizer
