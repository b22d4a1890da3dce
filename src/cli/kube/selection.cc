#include "cli/kube/selection.h"

#include <algorithm>
#include <utility>

namespace nacelle::cli {

Result<std::vector<Selection>> select(const KindCatalog& catalog,
                                      const std::vector<std::string>& words) {
  if (words.empty()) {
    return invalid_argument("name a kind, as in `pods` or `deployment/web`");
  }
  std::vector<Selection> out;
  const bool slashes = words[0].find('/') != std::string::npos;
  if (slashes) {
    for (const std::string& word : words) {
      const std::size_t slash = word.find('/');
      if (slash == std::string::npos || slash + 1 == word.size()) {
        return invalid_argument(
            "there is no need to mix KIND NAME and KIND/NAME: \"{}\" has no slash", word);
      }
      ASSIGN_OR_RETURN(auto types, catalog.find(word.substr(0, slash)));
      const auto same = std::find_if(out.begin(), out.end(), [&](const Selection& each) {
        return each.type.resource == types[0].resource;
      });
      if (same != out.end())
        same->names.push_back(word.substr(slash + 1));
      else
        out.push_back({std::move(types[0]), {word.substr(slash + 1)}});
    }
    return out;
  }
  std::string rest = words[0];
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    ASSIGN_OR_RETURN(auto types, catalog.find(rest.substr(0, comma)));
    for (ResourceType& type : types) {
      out.push_back({std::move(type), {words.begin() + 1, words.end()}});
    }
    rest.erase(0, std::min(comma + 1, rest.size()));
  }
  if (out.size() > 1 && words.size() > 1) {
    return invalid_argument("names go with one kind: write KIND/NAME for several");
  }
  return out;
}

}  // namespace nacelle::cli
