#include "gateway/ai/config/yaml_documents.h"

#include <yaml-cpp/eventhandler.h>

#include <sstream>
#include <string>

namespace nacelle::gateway::ai {

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

std::vector<std::string_view> cut(std::string_view yaml) {
  std::vector<std::string_view> out;
  std::size_t begin = 0;
  bool content = false;
  for (std::size_t at = 0; at < yaml.size();) {
    const std::size_t end = std::min(yaml.find('\n', at), yaml.size());
    const std::string_view line = yaml.substr(at, end - at);
    if (is_marker(line)) {
      if (content) out.push_back(yaml.substr(begin, at - begin));
      begin = line.starts_with("...") ? std::min(end + 1, yaml.size()) : at;
      content = false;
    }
    content = content || (!line.empty() && has_content(line));
    at = end + 1;
  }
  if (content) out.push_back(yaml.substr(begin));
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

Result<std::vector<YAML::Node>> load_documents(std::string_view yaml, std::size_t most) {
  std::vector<YAML::Node> out;
  const std::vector<std::string_view> pieces = cut(yaml);
  if (pieces.size() > most) {
    return invalid_argument("{} documents, the limit is {}", pieces.size(), most);
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    try {
      const std::string text(pieces[i]);
      if (!ends_where_cut(text)) {
        return invalid_argument("document {}: not YAML: something follows its end", i + 1);
      }
      out.push_back(YAML::Load(text));
    } catch (const YAML::Exception& error) {
      return invalid_argument("document {}: not YAML: {}", i + 1, error.what());
    }
  }
  return out;
}

}  // namespace nacelle::gateway::ai
