// model_catalogue.h: the models that clients may name, as routes declare them, and their listing.
//
// A route's exact match on x-ai-eg-model declares a model. Hosts scope it: a host's list is that of
// the routes with this exact host, else of the longest wildcard (`*.x` spans one label), else of
// the routes without hostnames; those are added to every list. An alias is a name for clients that
// stands for another model; the listing shows it as a model of its own.
//
// Home:    immutable; any thread.
// Source:  gateway.md section 7.3.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nacelle::gateway::ai {

struct ModelEntry {
  std::string id;
  std::string owned_by = "Envoy AI Gateway";
  std::int64_t created = 0;            // Unix seconds
  std::vector<std::string> hostnames;  // of the route; empty = every host
};

// Returns the model that `name` stands for: chains are followed, at most 8 long.
class ModelAliases {
 public:
  // An alias that leads to itself is left out: validate with first_cycle().
  explicit ModelAliases(std::map<std::string, std::string> aliases)
      : aliases_(std::move(aliases)) {}

  [[nodiscard]] std::string_view resolve(std::string_view name) const;
  // The name of an alias that never reaches a model; nullopt when there is none.
  [[nodiscard]] std::optional<std::string> first_cycle() const;
  [[nodiscard]] const std::map<std::string, std::string>& all() const { return aliases_; }

 private:
  std::map<std::string, std::string> aliases_;
};

class ModelCatalogue {
 public:
  // Of two entries with one id and host the first counts. Aliases of listed models are added.
  ModelCatalogue(const std::vector<ModelEntry>& entries, const ModelAliases& aliases);

  // Sorted by id. `host` as in the Host header: case and port do not matter.
  [[nodiscard]] std::vector<ModelEntry> models_for(std::string_view host) const;

  // Which models a caller may see.
  using Visible = std::function<bool(std::string_view id)>;
  [[nodiscard]] static bool all(std::string_view) { return true; }

  [[nodiscard]] std::string openai_list(std::string_view host, const Visible& visible = all) const;
  [[nodiscard]] std::string anthropic_list(std::string_view host,
                                           const Visible& visible = all) const;
  // One entry of openai_list(); nullopt when there is no such model to see.
  [[nodiscard]] std::optional<std::string> openai_model(std::string_view host, std::string_view id,
                                                        const Visible& visible = all) const;

 private:
  using ById = std::map<std::string, ModelEntry>;
  std::map<std::string, ById> by_host_;  // "" = routes without hostnames
};

}  // namespace nacelle::gateway::ai
