// path_translation.h: mount paths in commands, arguments and values, replaced by the folders
// behind.
//
// Where a process cannot have a mount namespace of its own, "/mnt/models" means nothing to it; the
// folder behind the volume does. A path counts where it stands at the beginning of the text or
// behind one of = : , ; " ' ( and white space, and ends there or at a '/': "/mnt/models2" is
// another path. Longer mount paths are looked for first.
//
// Home:    pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace nacelle::control::pod {

struct PathMapping {
  std::string from;  // in the container, absolute, without a '/' at its end
  std::string to;    // on the host
};

class PathTranslation {
 public:
  explicit PathTranslation(std::vector<PathMapping> mappings);
  [[nodiscard]] std::string apply(std::string_view text) const;
  [[nodiscard]] bool empty() const { return mappings_.empty(); }

 private:
  std::vector<PathMapping> mappings_;  // longest `from` first
};

}  // namespace nacelle::control::pod
