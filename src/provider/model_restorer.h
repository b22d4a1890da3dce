// model_restorer.h: gives the client the model name that it asked for, in an answer that passes by.
//
// Replaces `"model":"<target>"` and `"model": "<target>"`, also where a chunk ends inside it: bytes
// that may begin a match are held back until the next chunk decides.
//
// Home:    one stream.
// Source:  router.md section 2.5.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nacelle::provider {

class ModelRestorer {
 public:
  // Idle when both are equal.
  ModelRestorer(std::string_view target, std::string_view incoming);

  // What can be sent now. `last`: nothing follows, all of it.
  [[nodiscard]] std::string feed(std::string_view chunk, bool last);
  [[nodiscard]] bool idle() const { return patterns_.empty(); }

 private:
  std::vector<std::string> patterns_;
  std::vector<std::string> replacements_;
  std::string held_;
};

}  // namespace nacelle::provider
