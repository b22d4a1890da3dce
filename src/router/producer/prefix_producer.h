// prefix_producer.h: what the users of prefix matches need of any producer of them.
#pragma once

#include <optional>

#include "router/plugin.h"

namespace nacelle::router {

class PrecisePrefixCache;

class PrefixProducer : public Plugin, public Producer {
 public:
  explicit PrefixProducer(PrefixSourceId source) : source_(source) {}
  [[nodiscard]] PrefixSourceId source() const { return source_; }
  // Blocks in its index; nullopt where another metric says it.
  [[nodiscard]] virtual std::optional<std::size_t> size() const { return std::nullopt; }
  // The part that an index fed by KV events is attached to; null where there is none.
  virtual PrecisePrefixCache* precise() { return nullptr; }

 private:
  PrefixSourceId source_;
};

inline constexpr std::string_view kApproxPrefixProducer = "approx-prefix-cache-producer";

}  // namespace nacelle::router
