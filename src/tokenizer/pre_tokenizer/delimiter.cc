#include "tokenizer/pre_tokenizer/delimiter.h"

#include <algorithm>

namespace nacelle::tokenizer {
namespace {

void merge_with_previous(std::vector<Span>& spans) {
  std::vector<Span> out;
  bool previous_match = false;
  for (const Span& span : spans) {
    if (span.matched && !previous_match && !out.empty()) {
      out.back().end = span.end;
    } else {
      out.push_back(span);
    }
    previous_match = span.matched;
  }
  spans = std::move(out);
}

void merge_with_next(std::vector<Span>& spans) {
  std::vector<Span> out;
  bool next_match = false;
  for (auto it = spans.rbegin(); it != spans.rend(); ++it) {
    if (it->matched && !next_match && !out.empty()) {
      out.back().begin = it->begin;
    } else {
      out.push_back(*it);
    }
    next_match = it->matched;
  }
  std::reverse(out.begin(), out.end());
  spans = std::move(out);
}

void merge_equal_neighbours(std::vector<Span>& spans) {
  std::vector<Span> out;
  for (const Span& span : spans) {
    if (!out.empty() && out.back().matched == span.matched) {
      out.back().end = span.end;
    } else {
      out.push_back(span);
    }
  }
  spans = std::move(out);
}

}  // namespace

Result<Delimiter> parse_delimiter(const JsonNode& owner, std::string_view key, Delimiter fallback) {
  const auto node = owner.find(key);
  if (!node) return fallback;
  ASSIGN_OR_RETURN(const std::string_view name, node->string());
  if (name == "Removed") return Delimiter::kRemoved;
  if (name == "Isolated") return Delimiter::kIsolated;
  if (name == "MergedWithPrevious") return Delimiter::kMergedWithPrevious;
  if (name == "MergedWithNext") return Delimiter::kMergedWithNext;
  if (name == "Contiguous") return Delimiter::kContiguous;
  return node->error(fmt::format("unknown behavior \"{}\"", name));
}

void split_by(const Piece& piece, std::vector<Span> spans, Delimiter delimiter, PieceList& out) {
  if (delimiter == Delimiter::kMergedWithPrevious) merge_with_previous(spans);
  if (delimiter == Delimiter::kMergedWithNext) merge_with_next(spans);
  if (delimiter == Delimiter::kContiguous) merge_equal_neighbours(spans);
  for (const Span& span : spans) {
    if (delimiter == Delimiter::kRemoved && span.matched) continue;
    out.add(
        {piece.text.substr(span.begin, span.end - span.begin), piece.at_origin && span.begin == 0});
  }
}

}  // namespace nacelle::tokenizer
