// bench_text.h: prose and code for benchmarks, the same on every machine.
//
// tools/goldens/tokenizer_speed.py has the same steps in Python. For tests and benchmarks only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tokenizer/testing/golden_stream.h"

namespace nacelle::tokenizer {

// 30,000 made-up words; the one of rank r is drawn about in proportion to 1 / r.
class BenchWords {
 public:
  BenchWords() : random_(11) {
    static constexpr std::string_view kOnset[] = {"b",  "c",  "d",  "f", "g", "l",  "m",
                                                  "n",  "p",  "r",  "s", "t", "st", "tr",
                                                  "ch", "th", "pl", "w", "v", ""};
    static constexpr std::string_view kRest[] = {"a",   "e",  "i",   "o",   "u",   "ar", "er",
                                                 "in",  "on", "an",  "ing", "ion", "ed", "es",
                                                 "ate", "al", "ent", "ly",  "y",   "ous"};
    for (std::uint32_t rank = 0; rank < kWords; ++rank) {
      std::string word;
      const std::uint32_t syllables = 1 + random_.below(rank < 100 ? 2 : 4);
      for (std::uint32_t i = 0; i < syllables; ++i) {
        word += kOnset[random_.below(20)];
        word += kRest[random_.below(20)];
      }
      words_.push_back(word);
    }
  }

  const std::string& word() {
    // A uniform number of doublings, then a uniform rank below: close to 1 / rank.
    const std::uint32_t limit = std::uint32_t{2} << random_.below(15);
    return words_[random_.below(limit < kWords ? limit : kWords)];
  }
  GoldenRandom& random() { return random_; }

 private:
  static constexpr std::uint32_t kWords = 30000;
  GoldenRandom random_;
  std::vector<std::string> words_;
};

inline std::string bench_prose(std::size_t bytes) {
  BenchWords words;
  std::string out;
  while (out.size() < bytes) {
    const std::uint32_t length = 5 + words.random().below(20);
    for (std::uint32_t i = 0; i < length; ++i) {
      std::string word = words.word();
      const std::uint32_t kind = words.random().below(24);
      if (i == 0 || kind == 0) word[0] = static_cast<char>(word[0] - 32);
      if (kind == 1) word = std::to_string(words.random().below(3000));
      if (i > 0) out += ' ';
      out += word;
      if (kind == 2) out += ',';
      if (kind == 3) out += "'s";
    }
    out += words.random().below(6) == 0 ? ".\n\n" : ". ";
  }
  out.resize(bytes);
  return out;
}

inline std::string bench_code(std::size_t bytes) {
  BenchWords words;
  std::string out;
  std::uint32_t depth = 0;
  while (out.size() < bytes) {
    out.append(std::size_t{depth} * 4, ' ');
    const std::uint32_t kind = words.random().below(8);
    const std::string &a = words.word(), &b = words.word(), &c = words.word();
    if (kind == 0 && depth < 5) {
      out += "if (" + a + " < " + std::to_string(words.random().below(100)) + " && !" + b + "." +
             c + "()) {\n";
      ++depth;
    } else if (kind == 1 && depth > 0) {
      out.resize(out.size() - 4);
      out += "}\n";
      --depth;
    } else if (kind == 2) {
      out += "// " + a + " " + b + " " + c + "\n";
    } else if (kind == 3) {
      out += "return self." + a + "_" + b + "[\"" + c + "\"];\n";
    } else if (kind == 4) {
      out += "\n";
    } else {
      out += "auto " + a + "_" + b + " = " + c + "(" + a + ", 0x" +
             std::to_string(words.random().below(4096)) + ");\n";
    }
  }
  out.resize(bytes);
  return out;
}

}  // namespace nacelle::tokenizer
