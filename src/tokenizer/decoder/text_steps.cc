#include "tokenizer/decoder/text_steps.h"

#include "base/utf8.h"
#include "tokenizer/normalizer/replace.h"
#include "tokenizer/pre_tokenizer/metaspace.h"
#include "tokenizer/unicode/utf8_cursor.h"

namespace nacelle::tokenizer {
namespace {

std::string replace_text(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t done = 0;
  for (std::size_t at = 0;
       !from.empty() && (at = text.find(from, done)) != std::string_view::npos;) {
    out.append(text.substr(done, at - done)).append(to);
    done = at + from.size();
  }
  return out.append(text.substr(done));
}

// A step whose stages hold a copy of its options.
template <class Stage, class Options>
class StepWith final : public DecodeStep {
 public:
  explicit StepWith(Options options) : options_(std::move(options)) {}
  [[nodiscard]] std::unique_ptr<DecodeStage> open(ByteMode, DecodeStage& next) const override {
    return std::make_unique<Stage>(options_, next);
  }

 private:
  Options options_;
};

struct NoOptions {};

class FuseStage final : public DecodeStage {
 public:
  FuseStage(const NoOptions&, DecodeStage& next) : next_(next) {}
  void piece(std::string_view text, Edges) override {
    next_.piece(text, {.begins = !begun_, .ends = false});
    begun_ = true;
  }
  void finish() override {
    next_.piece({}, {.begins = !begun_, .ends = true});
    next_.finish();
  }

 private:
  DecodeStage& next_;
  bool begun_ = false;
};

struct StripOptions {
  std::string content;  // one character
  std::int64_t start = 0, stop = 0;
};

class StripStage final : public DecodeStage {
 public:
  StripStage(const StripOptions& options, DecodeStage& next) : options_(options), next_(next) {}

  void piece(std::string_view text, Edges edges) override {
    if (edges.begins) {
      to_drop_ = options_.start;
      held_ = 0;
    }
    while (to_drop_ > 0 && !text.empty()) {
      if (!text.starts_with(options_.content)) {
        to_drop_ = 0;
        break;
      }
      text.remove_prefix(options_.content.size());
      --to_drop_;
    }
    // The last `stop` times `content` wait: they go when the token ends here.
    std::string out;
    const std::string_view body = without_tail(text);
    if (!body.empty()) {
      append_held(out, held_);
      held_ = 0;
      out += body;
    }
    held_ += static_cast<std::int64_t>((text.size() - body.size()) / options_.content.size());
    if (held_ > options_.stop) {
      append_held(out, held_ - options_.stop);
      held_ = options_.stop;
    }
    next_.piece(out, edges);
  }

  void finish() override { next_.finish(); }

 private:
  [[nodiscard]] std::string_view without_tail(std::string_view text) const {
    while (options_.stop > 0 && text.ends_with(options_.content)) {
      text.remove_suffix(options_.content.size());
    }
    return text;
  }
  void append_held(std::string& out, std::int64_t count) const {
    for (; count > 0; --count) out += options_.content;
  }

  const StripOptions& options_;
  DecodeStage& next_;
  std::int64_t to_drop_ = 0;
  std::int64_t held_ = 0;
};

struct ReplaceOptions {
  std::shared_ptr<const Pattern> pattern;
  std::string content;
  std::string one_char;  // the pattern when it is a single character, else empty
};

// A single character is replaced in every piece; other patterns see whole tokens.
class ReplaceCharStage final : public DecodeStage {
 public:
  ReplaceCharStage(const ReplaceOptions& options, DecodeStage& next)
      : options_(options), next_(next) {}
  void piece(std::string_view text, Edges edges) override {
    next_.piece(replace_text(text, options_.one_char, options_.content), edges);
  }
  void finish() override { next_.finish(); }

 private:
  const ReplaceOptions& options_;
  DecodeStage& next_;
};

class ReplaceStage final : public WholeTokenStage {
 public:
  ReplaceStage(const ReplaceOptions& options, DecodeStage& next) : options_(options), next_(next) {}
  void finish() override { next_.finish(); }

 protected:
  void token(std::string_view text) override {
    next_.piece(replace_all(text, *options_.pattern, options_.content), {});
  }

 private:
  const ReplaceOptions& options_;
  DecodeStage& next_;
};

class MetaspaceStage final : public DecodeStage {
 public:
  MetaspaceStage(const MetaspaceOptions& options, DecodeStage& next)
      : options_(options), next_(next), drop_(options.prepend_scheme != PrependScheme::kNever) {}

  void piece(std::string_view text, Edges edges) override {
    next_.piece(replace_text(text, options_.replacement, drop_ ? "" : " "), edges);
    if (edges.ends) drop_ = false;
  }
  void finish() override { next_.finish(); }

 private:
  const MetaspaceOptions& options_;
  DecodeStage& next_;
  bool drop_;  // still in the first token
};

struct WordPieceOptions {
  std::string prefix = "##";
  bool cleanup = true;
};

class WordPieceStage final : public WholeTokenStage {
 public:
  WordPieceStage(const WordPieceOptions& options, DecodeStage& next)
      : options_(options), next_(next) {}
  void finish() override { next_.finish(); }

 protected:
  void token(std::string_view text) override {
    std::string out(text);
    if (!first_) {
      if (text.starts_with(options_.prefix)) {
        out.erase(0, options_.prefix.size());
      } else {
        out.insert(0, " ");
      }
    }
    first_ = false;
    if (options_.cleanup) out = clean(std::move(out));
    next_.piece(out, {});
  }

 private:
  static std::string clean(std::string text) {
    static constexpr std::pair<std::string_view, std::string_view> kRules[] = {
        {" .", "."},   {" ?", "?"},     {" !", "!"},    {" ,", ","},
        {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},  {" do not", " don't"},
        {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"}};
    for (const auto& [from, to] : kRules) text = replace_text(text, from, to);
    return text;
  }

  const WordPieceOptions& options_;
  DecodeStage& next_;
  bool first_ = true;
};

struct BpeOptions {
  std::string suffix = "</w>";
};

class BpeStage final : public WholeTokenStage {
 public:
  BpeStage(const BpeOptions& options, DecodeStage& next) : options_(options), next_(next) {}
  void finish() override {
    if (waiting_) next_.piece(replace_text(last_, options_.suffix, ""), {});
    next_.finish();
  }

 protected:
  void token(std::string_view text) override {
    if (waiting_) next_.piece(replace_text(last_, options_.suffix, " "), {});
    last_ = text;
    waiting_ = true;
  }

 private:
  const BpeOptions& options_;
  DecodeStage& next_;
  std::string last_;
  bool waiting_ = false;
};

class JoinStage final : public WholeTokenStage {
 public:
  JoinStage(const NoOptions&, DecodeStage& next) : next_(next) {}
  void finish() override { next_.finish(); }

 protected:
  void token(std::string_view text) override {
    next_.piece(first_ ? std::string(text) : std::string(" ").append(text), {});
    first_ = false;
  }

 private:
  DecodeStage& next_;
  bool first_ = true;
};

using Made = Result<std::unique_ptr<DecodeStep>>;

template <class Stage, class Options>
std::unique_ptr<DecodeStep> step(Options options) {
  return std::make_unique<StepWith<Stage, Options>>(std::move(options));
}

}  // namespace

std::unique_ptr<DecodeStep> make_fuse_step() { return step<FuseStage>(NoOptions{}); }
std::unique_ptr<DecodeStep> make_join_step() { return step<JoinStage>(NoOptions{}); }

Made make_strip_step(const JsonNode& node) {
  StripOptions options;
  ASSIGN_OR_RETURN(const char32_t content, node.character_or("content", U' '));
  append_utf8(options.content, content);
  const auto count = [&](std::string_view key) -> Result<std::int64_t> {
    const auto member = node.find(key);
    if (!member) return std::int64_t{0};
    return member->integer(0, 1'000'000);
  };
  ASSIGN_OR_RETURN(options.start, count("start"));
  ASSIGN_OR_RETURN(options.stop, count("stop"));
  return step<StripStage>(std::move(options));
}

Made make_replace_step(const JsonNode& node) {
  ReplaceOptions options;
  ASSIGN_OR_RETURN(const JsonNode pattern_node, node.member("pattern"));
  ASSIGN_OR_RETURN(std::unique_ptr<Pattern> pattern, make_pattern(pattern_node));
  options.pattern = std::move(pattern);
  ASSIGN_OR_RETURN(const JsonNode content, node.member("content"));
  ASSIGN_OR_RETURN(const std::string_view text, content.string());
  options.content = text;
  ASSIGN_OR_RETURN(const std::string literal, pattern_node.string_or("String", ""));
  if (!literal.empty() && decode_utf8(literal, 0).length == literal.size()) {
    options.one_char = literal;
    return step<ReplaceCharStage>(std::move(options));
  }
  return step<ReplaceStage>(std::move(options));
}

Made make_metaspace_step(const JsonNode& node) {
  ASSIGN_OR_RETURN(MetaspaceOptions options, parse_metaspace(node));
  return step<MetaspaceStage>(std::move(options));
}

Made make_wordpiece_step(const JsonNode& node) {
  WordPieceOptions options;
  ASSIGN_OR_RETURN(options.prefix, node.string_or("prefix", "##"));
  ASSIGN_OR_RETURN(options.cleanup, node.boolean_or("cleanup", true));
  return step<WordPieceStage>(std::move(options));
}

Made make_bpe_step(const JsonNode& node) {
  BpeOptions options;
  ASSIGN_OR_RETURN(options.suffix, node.string_or("suffix", "</w>"));
  return step<BpeStage>(std::move(options));
}

}  // namespace nacelle::tokenizer
