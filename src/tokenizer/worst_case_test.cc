// No text makes encoding take more than linear time (and a logarithm): processor time of texts that
// are eight times as long, for every family of tests/testdata/tokenizer. Quadratic work would take
// 64 times as long; the bound is far from both.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <random>

#include "base/file.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::tokenizer {
namespace {

constexpr std::size_t kShort = 16 << 10;
constexpr std::size_t kTimes = 8;
constexpr double kMost = 32;
constexpr int kTries = 3;  // the best of them: other programs disturb caches

std::string repeated(std::string_view unit, std::size_t bytes) {
  std::string text;
  text.reserve(bytes + unit.size());
  while (text.size() < bytes) text += unit;
  return text;
}

std::string random_of(const std::vector<std::string>& units, std::size_t bytes) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < bytes) text += units[random() % units.size()];
  return text;
}

std::vector<std::string> letters(char first, char last) {
  std::vector<std::string> out;
  for (char c = first; c <= last; ++c) out.emplace_back(1, c);
  return out;
}

struct Text {
  const char* name;
  std::string (*make)(std::size_t bytes);
};

constexpr Text kTexts[] = {
    {"one letter", [](std::size_t n) { return repeated("a", n); }},
    {"random letters", [](std::size_t n) { return random_of(letters('a', 'z'), n); }},
    {"random capitals", [](std::size_t n) { return random_of(letters('A', 'Z'), n); }},
    {"two letters at random",
     [](std::size_t n) {
       return random_of({"a", "b"}, n);
     }},
    {"a period of two letters", [](std::size_t n) { return repeated("ab", n); }},
    {"a period of three letters", [](std::size_t n) { return repeated("the", n); }},
    {"words that grow",
     [](std::size_t n) {
       std::string text;
       for (std::size_t size = 1; text.size() < n; ++size) text += repeated("x", size) + ' ';
       return text;
     }},
    {"spaces", [](std::size_t n) { return repeated(" ", n); }},
    {"spaces before a letter", [](std::size_t n) { return repeated(" ", n) + "a"; }},
    {"line ends", [](std::size_t n) { return repeated("\r\n", n); }},
    {"white space without line ends",
     [](std::size_t n) {
       return random_of({" ", "\t"}, n);
     }},
    {"wide spaces", [](std::size_t n) { return repeated("\u3000", n); }},
    {"digits", [](std::size_t n) { return random_of(letters('0', '9'), n); }},
    {"punctuation",
     [](std::size_t n) {
       return random_of({"!", "?", "/", "-", "="}, n);
     }},
    {"apostrophes", [](std::size_t n) { return repeated("'", n); }},
    {"contractions that end early", [](std::size_t n) { return repeated("'r'l'v", n); }},
    {"ideographs",
     [](std::size_t n) {
       return random_of({"\u4e2d", "\u6587", "\u5b57"}, n);
     }},
    {"emoji",
     [](std::size_t n) {
       return random_of({"\U0001f600", "\U0001f680"}, n);
     }},
    {"combining marks of one class", [](std::size_t n) { return "a" + repeated("\u0301", n); }},
    {"combining marks out of order",
     [](std::size_t n) { return "a" + repeated("\u0301\u0316", n); }},
    {"combining marks at random",
     [](std::size_t n) {
       return "a" + random_of({"\u0301", "\u0316", "\u0327", "\u0345"}, n);
     }},
    {"jamo", [](std::size_t n) { return repeated("\u1100\u1161\u11a8", n); }},
    {"beginnings of added tokens", [](std::size_t n) { return repeated("<|im_star", n); }},
    {"almost added tokens",
     [](std::size_t n) {
       return random_of({"<|endoftext|", "<|start_header_id|", "<|im_end|", "<s", "</s", "[IN",
                         "[CL", "<mas", "<unk", "<pa"},
                        n);
     }},
    {"opening brackets", [](std::size_t n) { return repeated("<", n); }},
    {"opening brackets and bars", [](std::size_t n) { return repeated("<|", n); }},
    {"spaces around almost added tokens", [](std::size_t n) { return repeated("      <mask", n); }},
    {"added tokens", [](std::size_t n) { return repeated("<s></s><mask>[MASK]<|im_end|>", n); }},
    {"bytes that are no text", [](std::size_t n) { return repeated("\xff\xc3\x28", n); }},
};

double seconds_of(const Tokenizer& tokenizer, const std::string& text) {
  double best = 1e9;
  for (int i = 0; i < kTries; ++i) {
    const auto now = [] {
      timespec time{};
      clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    const double begin = now();
    const auto ids = tokenizer.encode(text);
    best = std::min(best, now() - begin);
    if (best > 1) break;  // the verdict is clear
  }
  return best;
}

std::vector<std::filesystem::path> families() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(NACELLE_TESTDATA "/tokenizer")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class WorstCase : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(WorstCase, TakesLinearTime) {
  const auto json = read_file(GetParam());
  ASSERT_TRUE(json.ok());
  const auto loaded = Tokenizer::from_json(*json);
  if (!loaded.ok()) GTEST_SKIP() << "no tokenizer";
  for (const Text& text : kTexts) {
    const double of_short = seconds_of(**loaded, text.make(kShort));
    const double of_long = seconds_of(**loaded, text.make(kShort * kTimes));
    // Below a tenth of a millisecond the clock says little.
    EXPECT_LE(of_long, kMost * std::max(of_short, 1e-4)) << text.name;
    RecordProperty(text.name, std::to_string(of_long / of_short));
  }
}

INSTANTIATE_TEST_SUITE_P(Families, WorstCase, ::testing::ValuesIn(families()),
                         [](const auto& info) {
                           std::string name = info.param.stem().string();
                           std::replace_if(
                               name.begin(), name.end(),
                               [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace nacelle::tokenizer
