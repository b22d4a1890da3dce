#include "yaml/documents.h"

#include <yaml-cpp/eventhandler.h>

#include <sstream>
#include <string>

namespace nacelle::yaml {

namespace {

bool is_marker(std::string_view line) {
  const bool known = line.starts_with("---") || line.starts_with("...");
  return known && (line.size() == 3 || line[3] == ' ' || line[3] == '\t' || line[3] == '\r');
}

bool has_content(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t\r");
  return at != std::string_view::npos && line[at] != '#' && line[0] != '%' &&
         !(is_marker(line) && line.find_first_not_of("-. \t\r") == std::string_view::npos);
}

struct Piece {
  std::string_view text;
  std::size_t first_line = 0;
};

std::vector<Piece> cut(std::string_view yaml) {
  std::vector<Piece> out;
  std::size_t begin = 0;
  std::size_t begin_line = 0;
  std::size_t number = 0;
  bool content = false;
  for (std::size_t at = 0; at < yaml.size(); ++number) {
    const std::size_t end = std::min(yaml.find('\n', at), yaml.size());
    const std::string_view line = yaml.substr(at, end - at);
    if (is_marker(line)) {
      if (content) out.push_back({yaml.substr(begin, at - begin), begin_line});
      const bool ends = line.starts_with("...");
      begin = ends ? std::min(end + 1, yaml.size()) : at;
      begin_line = ends ? number + 1 : number;
      content = false;
    }
    content = content || (!line.empty() && has_content(line));
    at = end + 1;
  }
  if (content) out.push_back({yaml.substr(begin), begin_line});
  return out;
}

// Takes the events of a document and does nothing with them.
class Discard final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// What follows the first document would be ignored by Load.
bool ends_where_cut(const std::string& text) {
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  Discard discard;
  return parser.HandleNextDocument(discard) && !parser;
}

}  // namespace

Result<std::vector<Document>> load_documents(std::string_view stream, std::size_t most) {
  std::vector<Document> out;
  const std::vector<Piece> pieces = cut(stream);
  if (pieces.size() > most) {
    return invalid_argument("{} documents, the limit is {}", pieces.size(), most);
  }
  for (const Piece& piece : pieces) {
    try {
      const std::string text(piece.text);
      if (!ends_where_cut(text)) {
        return invalid_argument("line {}: not YAML: something follows the document's end",
                                piece.first_line + 1);
      }
      out.push_back({YAML::Load(text), piece.first_line});
    } catch (const YAML::Exception& error) {
      const std::size_t inside =
          error.mark.is_null() ? 0 : static_cast<std::size_t>(error.mark.line);
      return invalid_argument("line {}: not YAML: {}", piece.first_line + inside + 1, error.msg);
    }
  }
  return out;
}

}  // namespace nacelle::yaml
