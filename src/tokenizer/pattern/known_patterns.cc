// The regexes that tokenizer.json files of served models carry, and the scanner that equals each.
// pattern_property_test.cc compares every row with PCRE2 on random text.
#include "tokenizer/pattern/known_patterns.h"

#include "tokenizer/pattern/scanner/cl100k_scanner.h"
#include "tokenizer/pattern/scanner/class_run_scanner.h"
#include "tokenizer/pattern/scanner/deepseek_scanner.h"
#include "tokenizer/pattern/scanner/gpt2_scanner.h"
#include "tokenizer/pattern/scanner/o200k_scanner.h"

namespace nacelle::tokenizer {
namespace {

const Gpt2Scanner kGpt2;
const Cl100kScanner<flag::kLetter, 3> kLlama3;
const Cl100kScanner<flag::kLetter, 1> kQwen2;
const Cl100kScanner<flag::kLetter | flag::kMark, 1> kQwen35;
const O200kScanner<3, true> kO200k;
const O200kScanner<1, false> kTekken;
const DeepseekScanner kDeepseek;
const DigitGroupScanner<3> kThreeDigits;
const DigitGroupScanner<1> kOneDigit;
const IdeographScanner kIdeographs;

#define CONTRACTIONS R"((?i:'s|'t|'re|'ve|'m|'ll|'d))"
#define SPACES R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"
#define PREFIX R"([^\r\n\p{L}\p{N}]?)"
#define UPPER R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])"
#define LOWER R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])"

const KnownPattern kKnown[] = {
    {"gpt2", kGpt2Regex, &kGpt2},
    {"gpt2, grouped contractions",
     R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)", &kGpt2},
    {"llama 3", CONTRACTIONS "|" PREFIX R"(\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)" SPACES,
     &kLlama3},
    {"cl100k as tiktoken writes it",
     R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*)"
     R"(|\s*[\r\n]|\s+(?!\S)|\s+)",
     &kLlama3},
    {"qwen 2", CONTRACTIONS "|" PREFIX R"(\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)" SPACES, &kQwen2},
    {"qwen 3.5",
     CONTRACTIONS "|" PREFIX R"([\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*)" SPACES,
     &kQwen35},
    {"o200k",
     PREFIX UPPER "*" LOWER "+" CONTRACTIONS "?|" PREFIX UPPER "+" LOWER "*" CONTRACTIONS "?"
                  R"(|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" SPACES,
     &kO200k},
    {"tekken",
     PREFIX UPPER "*" LOWER "+|" PREFIX UPPER "+" LOWER "*"
                  R"(|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*)" SPACES,
     &kTekken},
    {"deepseek words",
     R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+)"
     R"(| ?[\p{P}\p{S}]+[\r\n]*)" SPACES,
     &kDeepseek},
    {"three digits", R"(\p{N}{1,3})", &kThreeDigits},
    {"one digit", R"(\p{N})", &kOneDigit},
    {"ideographs and kana", "[一-龥\u3040-ゟ゠-ヿ]+", &kIdeographs},
};

#undef CONTRACTIONS
#undef SPACES
#undef PREFIX
#undef UPPER
#undef LOWER

}  // namespace

std::span<const KnownPattern> known_patterns() { return kKnown; }

const WordScanner* find_known_scanner(std::string_view regex) {
  for (const KnownPattern& known : kKnown) {
    if (known.regex == regex) return known.scanner;
  }
  return nullptr;
}

}  // namespace nacelle::tokenizer
