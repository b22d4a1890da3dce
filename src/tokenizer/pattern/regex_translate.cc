#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenizer/pattern/regex_translate.h"

#include <pcre2.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/utf8.h"
#include "tokenizer/unicode/char_class.h"

namespace nacelle::tokenizer {
namespace {

constexpr std::string_view kSpaces =
    R"(\t-\r\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})";
constexpr std::string_view kNames[] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                       "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc",
                                       "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};
constexpr std::pair<std::string_view, std::string_view> kLongNames[] = {{"Letter", "L"},
                                                                        {"Mark", "M"},
                                                                        {"Number", "N"},
                                                                        {"Punctuation", "P"},
                                                                        {"Symbol", "S"},
                                                                        {"Separator", "Z"},
                                                                        {"Other", "C"},
                                                                        {"Uppercase_Letter", "Lu"},
                                                                        {"Lowercase_Letter", "Ll"},
                                                                        {"Decimal_Number", "Nd"}};

// Bit i for category i of "L", "Lu", ...; 0 for any other property (scripts and so on).
std::uint32_t category_mask(std::string_view name) {
  for (const auto& [long_name, short_name] : kLongNames) {
    if (name == long_name) name = short_name;
  }
  std::uint32_t mask = 0;
  for (int i = 0; i < kNumCategories; ++i) {
    if (name == kNames[i] || (name.size() == 1 && name[0] == kNames[i][0])) mask |= 1u << i;
  }
  return mask;
}

void append_range(std::string& out, CodePointRange range) {
  if (range.first == range.last) {
    out += fmt::format("\\x{{{:X}}}", static_cast<std::uint32_t>(range.first));
  } else {
    out += fmt::format("\\x{{{:X}}}-\\x{{{:X}}}", static_cast<std::uint32_t>(range.first),
                       static_cast<std::uint32_t>(range.last));
  }
}

// What PCRE2's own tables say: a byte for each character, 1 = member of [`body`]. One search over a
// text of all characters in order finds the runs of members.
std::vector<std::uint8_t> pcre2_members(const std::string& body) {
  struct AllCharacters {
    std::string text;
    std::vector<std::uint32_t> at;  // code point of the character that starts at each byte
    AllCharacters() {
      for (char32_t c = 0; c < 0x110000; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        append_utf8(text, c);
        at.resize(text.size(), c);
      }
      at.push_back(0x110000);
    }
  };
  const AllCharacters all;
  std::vector<std::uint8_t> member(0x110000);
  const std::string pattern = "[" + body + "]+";
  int error = 0;
  PCRE2_SIZE offset = 0;
  auto* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                             PCRE2_UTF | PCRE2_UCP, &error, &offset, nullptr);
  if (code == nullptr) return member;
  auto* data = pcre2_match_data_create(1, nullptr);
  const PCRE2_SIZE* match = pcre2_get_ovector_pointer(data);
  for (std::size_t pos = 0;
       pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(all.text.data()), all.text.size(), pos,
                   PCRE2_NO_UTF_CHECK, data, nullptr) > 0;
       pos = match[1]) {
    for (std::size_t i = match[0]; i < match[1]; ++i) member[all.at[i]] = 1;
  }
  pcre2_match_data_free(data);
  pcre2_code_free(code);
  return member;
}

// The inside of a class that holds the categories of `mask`: PCRE2's property plus what is newer,
// or plain ranges when PCRE2's property holds too much.
std::string category_class(std::uint32_t mask) {
  static std::mutex mutex;
  static std::map<std::uint32_t, std::string> done;
  const std::lock_guard lock(mutex);
  if (const auto it = done.find(mask); it != done.end()) return it->second;

  std::string own;
  for (int i = 0; i < kNumCategories; ++i) {
    if ((mask >> i & 1) != 0) own += fmt::format("\\p{{{}}}", kNames[i]);
  }
  std::vector<std::uint8_t> member = pcre2_members(own);
  std::vector<CodePointRange> wanted, missing;
  const auto add = [](std::vector<CodePointRange>& ranges, char32_t c) {
    if (!ranges.empty() && ranges.back().last + 1 == c) {
      ranges.back().last = c;
    } else {
      ranges.push_back({c, c});
    }
  };
  for (const CodePointRange& range : ranges_of(mask)) {
    for (char32_t c = range.first; c <= range.last; ++c) {
      if (c >= 0xD800 && c <= 0xDFFF) continue;
      add(wanted, c);
      if (member[c] == 0) add(missing, c);
      member[c] = 0;
    }
  }
  const bool too_much = std::find(member.begin(), member.end(), 1) != member.end();
  std::string out = too_much ? "" : own;
  for (const CodePointRange& range : too_much ? wanted : missing) append_range(out, range);
  return done[mask] = out;
}

std::string complement(std::uint32_t mask) {
  return category_class(~mask & ((1u << kNumCategories) - 1));
}

class Translator {
 public:
  explicit Translator(std::string_view in) : in_(in) {}

  Result<std::string> run() {
    while (pos_ < in_.size()) {
      const char c = in_[pos_];
      if (c == '\\') {
        RETURN_IF_ERROR(escape());
      } else if (in_class_) {
        RETURN_IF_ERROR(class_char(c));
      } else {
        if (c == '[')
          open_class();
        else
          take(1);
      }
    }
    return std::move(out_);
  }

 private:
  void take(std::size_t n) {
    out_.append(in_.substr(pos_, n));
    pos_ += std::min(n, in_.size() - pos_);
  }

  void open_class() {
    in_class_ = true;
    class_begin_ = out_.size();
    take(in_.substr(pos_, 2) == "[^" ? 2 : 1);
    if (pos_ < in_.size() && in_[pos_] == ']') {  // a literal ] when it comes first
      out_ += "\\]";
      ++pos_;
    }
  }

  Status class_char(char c) {
    if (c == '&' && in_.substr(pos_, 2) == "&&") return intersect();
    if (c == '[') {
      if (in_.substr(pos_, 2) != "[:") {
        return unimplemented("the regular expression \"{}\" nests classes; write \\[ for a bracket",
                             in_);
      }
      const std::size_t end = in_.find(":]", pos_);
      if (end != std::string_view::npos) {
        posix_class(in_.substr(pos_ + 2, end - pos_ - 2), in_.substr(pos_, end + 2 - pos_));
        pos_ = end + 2;
        return Status();
      }
    }
    if (c == ']') in_class_ = false;
    take(1);
    return Status();
  }

  // [A&&[B]] becomes (?:(?=[B])[A]); `pos_` is at the &&, [A is written already.
  Status intersect() {
    const auto refuse = [&] {
      return unimplemented(
          "the regular expression \"{}\" intersects classes in a way that is not "
          "[A&&[B]]",
          in_);
    };
    const std::string left = out_.substr(class_begin_) + "]";
    const std::size_t begin = class_begin_;
    pos_ += 2;
    if (intersecting_ || left.starts_with("[^") || in_.substr(pos_, 1) != "[") return refuse();
    intersecting_ = true;
    out_.resize(begin);
    open_class();
    while (in_class_ && pos_ < in_.size()) {
      RETURN_IF_ERROR(in_[pos_] == '\\' ? escape() : class_char(in_[pos_]));
    }
    if (in_class_ || in_.substr(pos_, 1) != "]") return refuse();
    ++pos_;
    intersecting_ = false;
    std::string right = out_.substr(begin);
    out_.resize(begin);
    const bool negated = right.starts_with("[^");
    if (negated) right.erase(1, 1);
    out_ += fmt::format("(?:(?{}{}){})", negated ? '!' : '=', right, left);
    return Status();
  }

  // The classes whose members differ between the two libraries; the others stay as they are.
  void posix_class(std::string_view name, std::string_view whole) {
    if (name == "punct") {
      out_ += category_class(category_mask("P") | category_mask("S"));
    } else if (name == "digit") {
      out_ += category_class(category_mask("Nd"));
    } else if (name == "space") {
      out_ += kSpaces;
    } else {
      out_ += whole;
    }
  }

  // Writes a set: as it is inside a class, in brackets outside.
  void set(std::string_view body) {
    if (in_class_) {
      out_ += body;
    } else {
      out_ += fmt::format("[{}]", body);
    }
  }

  // \X where X is the upper case form of a set: outside a class a negated class does.
  Status negated(std::string_view body, std::string_view what) {
    if (in_class_) {
      return unimplemented("the regular expression \"{}\" has {} inside a class", in_, what);
    }
    out_ += fmt::format("[^{}]", body);
    return Status();
  }

  Status escape() {
    const char c = pos_ + 1 < in_.size() ? in_[pos_ + 1] : '\0';
    constexpr std::uint32_t kDigit = 1u << static_cast<int>(Category::kNd);
    switch (c) {
      case 'p':
      case 'P':
        return property(c == 'P');
      case 's':
        set(kSpaces);
        break;
      case 'd':
        set(category_class(kDigit));
        break;
      case 'D':
        set(complement(kDigit));
        break;
      case 'h':
        set("0-9a-fA-F");
        break;
      case 'w':
        set(word());
        break;
      case 'S':
        if (!in_class_) {
          out_ += fmt::format("[^{}]", kSpaces);
        } else {
          out_ += R"(\x00-\x08\x0E-\x1F\x21-\x{84}\x{86}-\x{9F}\x{A1}-\x{167F}\x{1681}-\x{1FFF})"
                  R"(\x{200B}-\x{2027}\x{202A}-\x{202E}\x{2030}-\x{205E}\x{2060}-\x{2FFF})"
                  R"(\x{3001}-\x{10FFFF})";
        }
        break;
      case 'W':
        pos_ += 2;
        return negated(word(), "\\W");
      case 'H':
        pos_ += 2;
        return negated("0-9a-fA-F", "\\H");
      default:
        take(2);
        return Status();
    }
    pos_ += 2;
    return Status();
  }

  static std::string word() {
    return category_class(category_mask("L")) + category_class(category_mask("M")) +
           category_class(category_mask("Nd") | category_mask("Nl") | category_mask("Pc")) +
           R"(\xB2\xB3\xB9\xBC-\xBE\x{24B6}-\x{24E9}\x{1F130}-\x{1F149})"
           R"(\x{1F150}-\x{1F169}\x{1F170}-\x{1F189})";
  }

  Status property(bool negate) {
    const std::size_t open = pos_ + 2;
    std::size_t end = open + 1;
    std::string_view name = in_.substr(std::min(open, in_.size()), 1);
    if (name == "{") {
      end = in_.find('}', open);
      if (end == std::string_view::npos) {
        return invalid_argument("the regular expression \"{}\" has \\p{{ without }}", in_);
      }
      name = in_.substr(open + 1, end - open - 1);
      ++end;
    }
    if (!name.empty() && name[0] == '^') {
      negate = !negate;
      name.remove_prefix(1);
    }
    const std::uint32_t mask = category_mask(name);
    if (mask == 0) {
      out_ += fmt::format("\\{}{{{}}}", negate ? 'P' : 'p', name);
    } else {
      set(negate ? complement(mask) : category_class(mask));
    }
    pos_ = end;
    return Status();
  }

  std::string_view in_;
  std::string out_;
  std::size_t pos_ = 0;
  bool in_class_ = false;
  bool intersecting_ = false;    // inside the B of [A&&[B]]
  std::size_t class_begin_ = 0;  // where the [ of the class is in out_
};

}  // namespace

Result<std::string> translate_regex(std::string_view pattern) { return Translator(pattern).run(); }

}  // namespace nacelle::tokenizer
