// part.h: kinds of objects that someone else reads out of the same files.
//
// gateway/ai/ implements it: the gateway reads the documents, the part its own kinds among them,
// and adds routes to the objects, which are then resolved with all others.
//
// Home:    one load at a time.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/config/objects.h"
#include "gateway/config/problems.h"

namespace nacelle::gateway {

struct PartKind {
  std::string_view name, group;  // literals
};

class ConfigPart {
 public:
  virtual ~ConfigPart() = default;
  [[nodiscard]] virtual std::span<const PartKind> kinds() const = 0;
  // `files` are pairs of name and text; `objects` holds what the gateway read of them.
  virtual void read(std::span<const std::pair<std::string, std::string>> files, Objects& objects,
                    Problems& problems) = 0;
};

}  // namespace nacelle::gateway
