#include "kube/watch_decoder.h"

#include <optional>

namespace nacelle::kube {
namespace {

std::optional<WatchEvent::Type> type_of(std::string_view name) {
  using Type = WatchEvent::Type;
  if (name == "ADDED") return Type::kAdded;
  if (name == "MODIFIED") return Type::kModified;
  if (name == "DELETED") return Type::kDeleted;
  if (name == "BOOKMARK") return Type::kBookmark;
  if (name == "ERROR") return Type::kError;
  return std::nullopt;
}

}  // namespace

Status WatchDecoder::feed(std::string_view bytes, std::vector<WatchEvent>& out) {
  if (!failed_.ok()) return failed_;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    if (held_.size() + piece.size() > max_line_bytes_) {
      failed_ = out_of_range("an event of a watch has more than {} bytes", max_line_bytes_);
      return failed_;
    }
    if (end == std::string_view::npos) {
      held_ += piece;
      return {};
    }
    bytes.remove_prefix(end + 1);
    if (held_.empty()) {
      failed_ = take_line(piece, out);
    } else {
      held_ += piece;
      failed_ = take_line(held_, out);
      held_.clear();
    }
    if (!failed_.ok()) return failed_;
  }
  return {};
}

Status WatchDecoder::take_line(std::string_view line, std::vector<WatchEvent>& out) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return {};
  Json document = Json::parse(line, nullptr, false);
  if (document.is_discarded()) return data_loss("a line of a watch is no JSON");
  const auto type = type_of(text_at(document, {"type"}));
  if (!type) return data_loss("a line of a watch has no known type");
  if (find(document, {"object"}) == nullptr || !document["object"].is_object()) {
    return data_loss("an event of a watch has no object");
  }
  out.push_back({*type, std::move(document["object"])});
  return {};
}

}  // namespace nacelle::kube
