#include "tokenizer/pre_tokenizer/metaspace.h"

#include "base/utf8.h"

namespace nacelle::tokenizer {
namespace {

class Metaspace final : public PreTokenizer {
 public:
  explicit Metaspace(MetaspaceOptions options) : options_(std::move(options)) {}

  void split(const Piece& piece, PieceList& out) const override {
    const std::string& mark = options_.replacement;
    std::string text;
    text.reserve(piece.text.size() + piece.text.size() / 2 + mark.size());
    for (const char c : piece.text) {
      if (c == ' ') {
        text += mark;
      } else {
        text.push_back(c);
      }
    }
    const bool prepend = options_.prepend_scheme == PrependScheme::kAlways ||
                         (options_.prepend_scheme == PrependScheme::kFirst && piece.at_origin);
    if (prepend && !text.starts_with(mark)) text.insert(0, mark);

    const std::string_view owned = out.own(std::move(text));
    std::size_t begin = 0;
    while (options_.split) {
      const std::size_t next = owned.find(mark, begin + 1);
      if (next == std::string_view::npos) break;
      out.add({owned.substr(begin, next - begin), piece.at_origin && begin == 0});
      begin = next;
    }
    out.add({owned.substr(begin), piece.at_origin && begin == 0});
  }

 private:
  MetaspaceOptions options_;
};

}  // namespace

Result<MetaspaceOptions> parse_metaspace(const JsonNode& node) {
  MetaspaceOptions options;
  ASSIGN_OR_RETURN(const char32_t replacement, node.character_or("replacement", 0x2581));
  options.replacement.clear();
  append_utf8(options.replacement, replacement);
  ASSIGN_OR_RETURN(options.split, node.boolean_or("split", true));
  if (const auto scheme = node.find("prepend_scheme")) {
    ASSIGN_OR_RETURN(const std::string_view name, scheme->string());
    if (name == "always") {
      options.prepend_scheme = PrependScheme::kAlways;
    } else if (name == "first") {
      options.prepend_scheme = PrependScheme::kFirst;
    } else if (name == "never") {
      options.prepend_scheme = PrependScheme::kNever;
    } else {
      return scheme->error(fmt::format("unknown prepend_scheme \"{}\"", name));
    }
  }
  ASSIGN_OR_RETURN(const bool add_prefix_space, node.boolean_or("add_prefix_space", true));
  if (!add_prefix_space) options.prepend_scheme = PrependScheme::kNever;
  return options;
}

std::unique_ptr<PreTokenizer> make_metaspace(MetaspaceOptions options) {
  return std::make_unique<Metaspace>(std::move(options));
}

}  // namespace nacelle::tokenizer
