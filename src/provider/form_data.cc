#include "provider/form_data.h"

#include <algorithm>
#include <optional>

namespace nacelle::provider::form {

namespace {

constexpr std::size_t kMaxBoundary = 70;  // RFC 2046
// More parts than any form of this API has; scanning them must not cost what a body of them could.
constexpr std::size_t kMaxParts = 256;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
}

// A parameter of `type; name=value; name="quoted"`; nullopt when it is not there.
std::optional<std::string> parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos) {
    header.remove_prefix(at + 1);
    const std::size_t equals = header.find_first_of("=;");
    if (equals == std::string_view::npos) break;
    if (header[equals] == ';') {
      at = equals;
      continue;
    }
    const bool wanted = same(trimmed(header.substr(0, equals)), name);
    header.remove_prefix(equals + 1);
    std::string value;
    if (header.starts_with('"')) {
      std::size_t i = 1;
      for (; i < header.size() && header[i] != '"'; ++i) {
        if (header[i] == '\\' && i + 1 < header.size()) ++i;
        value += header[i];
      }
      if (i >= header.size()) return std::nullopt;  // the quote is never closed
      header.remove_prefix(i + 1);
    } else {
      value = trimmed(header.substr(0, header.find(';')));
    }
    if (wanted) return value;
    at = header.find(';');
  }
  return std::nullopt;
}

struct Part {
  std::string name;
  bool is_file = false;
  std::string_view content;  // within the body
};

class PartScanner {
 public:
  PartScanner(std::string_view body, std::string_view boundary)
      : rest_(body), delimiter_("\r\n--" + std::string(boundary)) {}

  // nullopt at the end, and when the framing is broken: then ok() is false.
  std::optional<Part> next() {
    if (ended_ || !ok_) return std::nullopt;
    if (!begun_) {
      begun_ = true;
      // The first delimiter may stand at the very beginning, where no line ends before it.
      const std::string_view bare = std::string_view(delimiter_).substr(2);
      if (rest_.starts_with(bare)) {
        rest_.remove_prefix(bare.size());
      } else if (!skip_past_delimiter()) {
        return fail();
      }
    }
    if (rest_.starts_with("--")) {
      ended_ = true;
      return std::nullopt;
    }
    const std::size_t line_end = rest_.find("\r\n");
    if (line_end == std::string_view::npos || !trimmed(rest_.substr(0, line_end)).empty())
      return fail();
    rest_.remove_prefix(line_end);
    const std::size_t head_end = rest_.find("\r\n\r\n");
    if (head_end == std::string_view::npos) return fail();
    Part part = read_head(rest_.substr(0, head_end));
    rest_.remove_prefix(head_end + 4);
    // An empty part's delimiter begins with the line end that closes its head.
    const char* begin = rest_.data();
    if (rest_.starts_with(std::string_view(delimiter_).substr(2))) {
      rest_.remove_prefix(delimiter_.size() - 2);
      part.content = std::string_view(begin, 0);
    } else if (skip_past_delimiter()) {
      part.content = std::string_view(
          begin, static_cast<std::size_t>(rest_.data() - begin) - delimiter_.size());
    } else {
      return fail();
    }
    if (++num_parts_ > kMaxParts) return fail();
    return part;
  }
  [[nodiscard]] bool ok() const { return ok_ && ended_; }

 private:
  std::optional<Part> fail() {
    ok_ = false;
    return std::nullopt;
  }

  bool skip_past_delimiter() {
    const std::size_t at = rest_.find(delimiter_);
    if (at == std::string_view::npos) return false;
    rest_.remove_prefix(at + delimiter_.size());
    return true;
  }

  static Part read_head(std::string_view head) {
    Part part;
    while (!head.empty()) {
      const std::size_t end = std::min(head.find("\r\n"), head.size());
      const std::string_view line = head.substr(0, end);
      head.remove_prefix(std::min(end + 2, head.size()));
      const std::size_t colon = line.find(':');
      if (colon == std::string_view::npos ||
          !same(trimmed(line.substr(0, colon)), "content-disposition"))
        continue;
      part.name = parameter(line, "name").value_or("");
      part.is_file =
          parameter(line, "filename").has_value() || parameter(line, "filename*").has_value();
    }
    return part;
  }

  std::string_view rest_;
  const std::string delimiter_;
  bool begun_ = false;
  bool ended_ = false;
  bool ok_ = true;
  std::size_t num_parts_ = 0;
};

}  // namespace

bool is_form(std::string_view content_type) {
  return same(trimmed(content_type.substr(0, content_type.find(';'))), "multipart/form-data");
}

Result<std::string> boundary_of(std::string_view content_type) {
  if (!is_form(content_type)) return invalid_argument("content-type: expected multipart/form-data");
  auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary)
    return invalid_argument("content-type: expected a boundary of 1 to {} characters",
                            kMaxBoundary);
  return std::move(*boundary);
}

Result<Fields> read_fields(std::string_view body, std::string_view boundary) {
  Fields out;
  bool named = false;
  PartScanner parts(body, boundary);
  while (const auto part = parts.next()) {
    if (part->is_file) continue;
    if (part->name == "model") {
      // A backend might read the other one than we did.
      if (named) return invalid_argument("model: given twice");
      named = true;
      out.model = part->content;
    } else if (part->name == "stream") {
      out.stream = same(part->content, "true") || part->content == "1";
    }
  }
  if (!parts.ok()) return invalid_argument("the body is not a form framed by its boundary");
  return out;
}

std::string replace_model(std::string_view body, std::string_view boundary,
                          std::string_view model) {
  PartScanner parts(body, boundary);
  while (const auto part = parts.next()) {
    if (part->is_file || part->name != "model") continue;
    const auto at = static_cast<std::size_t>(part->content.data() - body.data());
    std::string out;
    out.reserve(body.size() + model.size());
    out.append(body.substr(0, at)).append(model);
    out.append(body.substr(at + part->content.size()));
    return out;
  }
  return std::string(body);
}

}  // namespace nacelle::provider::form
