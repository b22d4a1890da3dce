#include "tokenizer/pattern/pattern.h"

#include "tokenizer/pattern/regex.h"

namespace nacelle::tokenizer {
namespace {

class LiteralPattern final : public Pattern {
 public:
  explicit LiteralPattern(std::string_view needle) : needle_(needle) {}

  void find_all(std::string_view text, std::vector<Span>& out) const override {
    std::size_t done = 0;
    while (!needle_.empty()) {
      const std::size_t at = text.find(needle_, done);
      if (at == std::string_view::npos) break;
      if (at != done) out.push_back({done, at, false});
      done = at + needle_.size();
      out.push_back({at, done, true});
    }
    if (done != text.size()) out.push_back({done, text.size(), false});
  }

 private:
  std::string needle_;
};

class ScannerPattern final : public Pattern {
 public:
  explicit ScannerPattern(const WordScanner& scanner) : scanner_(scanner) {}

  void find_all(std::string_view text, std::vector<Span>& out) const override {
    for (std::size_t pos = 0; pos < text.size();) {
      const WordEnd word = scanner_.next(text, pos);
      out.push_back({pos, word.end, word.matched});
      pos = word.end;
    }
  }

  [[nodiscard]] const WordScanner* scanner() const override { return &scanner_; }

 private:
  const WordScanner& scanner_;
};

class RegexPattern final : public Pattern {
 public:
  explicit RegexPattern(Regex regex) : regex_(std::move(regex)) {}

  void find_all(std::string_view text, std::vector<Span>& out) const override {
    regex_.find_all(text, out);
  }

 private:
  Regex regex_;
};

}  // namespace

Result<std::unique_ptr<Pattern>> make_regex_pattern(std::string_view regex) {
  if (const WordScanner* scanner = find_known_scanner(regex)) {
    return std::unique_ptr<Pattern>(std::make_unique<ScannerPattern>(*scanner));
  }
  ASSIGN_OR_RETURN(Regex compiled, Regex::compile(regex));
  return std::unique_ptr<Pattern>(std::make_unique<RegexPattern>(std::move(compiled)));
}

Result<std::unique_ptr<Pattern>> make_pattern(const JsonNode& node) {
  if (node.is_string()) {
    ASSIGN_OR_RETURN(const std::string_view literal, node.string());
    return std::unique_ptr<Pattern>(std::make_unique<LiteralPattern>(literal));
  }
  if (const auto literal = node.find("String")) {
    ASSIGN_OR_RETURN(const std::string_view text, literal->string());
    return std::unique_ptr<Pattern>(std::make_unique<LiteralPattern>(text));
  }
  if (const auto regex = node.find("Regex")) {
    ASSIGN_OR_RETURN(const std::string_view text, regex->string());
    auto pattern = make_regex_pattern(text);
    if (!pattern.ok()) return pattern.error().with_context(regex->path());
    return pattern;
  }
  return node.error("expected {\"String\": ...} or {\"Regex\": ...}");
}

}  // namespace nacelle::tokenizer
