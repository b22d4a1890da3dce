#include "gateway/ai/models/model_catalogue.h"

#include <fmt/format.h>

#include <chrono>

#include "gateway/ai/auth/digest.h"
#include "openai/json_writer.h"

namespace nacelle::gateway::ai {

namespace {

constexpr int kMaxAliasSteps = 8;

std::string normal_host(std::string_view host) {
  // "[::1]:80" keeps its colons inside the brackets.
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  return to_lower(has_port ? host.substr(0, colon) : host);
}

std::string rfc3339(std::int64_t unix_seconds) {
  const std::chrono::sys_seconds at{std::chrono::seconds(unix_seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace

std::string_view ModelAliases::resolve(std::string_view name) const {
  for (int step = 0; step < kMaxAliasSteps; ++step) {
    const auto found = aliases_.find(std::string(name));
    if (found == aliases_.end()) return name;
    name = found->second;
  }
  return name;
}

std::optional<std::string> ModelAliases::first_cycle() const {
  for (const auto& [name, target] : aliases_) {
    if (aliases_.contains(std::string(resolve(name)))) return name;
  }
  return std::nullopt;
}

ModelCatalogue::ModelCatalogue(const std::vector<ModelEntry>& entries,
                               const ModelAliases& aliases) {
  for (const ModelEntry& entry : entries) {
    std::vector<std::string> hosts = entry.hostnames;
    if (hosts.empty()) hosts.emplace_back();
    for (const std::string& host : hosts) by_host_[to_lower(host)].emplace(entry.id, entry);
  }
  for (auto& [host, models] : by_host_) {
    for (const auto& [name, unused] : aliases.all()) {
      const auto target = models.find(std::string(aliases.resolve(name)));
      if (target == models.end()) continue;
      ModelEntry alias = target->second;
      alias.id = name;
      models.emplace(name, std::move(alias));
    }
  }
}

std::vector<ModelEntry> ModelCatalogue::models_for(std::string_view host) const {
  const std::string name = normal_host(host);
  ById merged;
  if (const auto open = by_host_.find(""); open != by_host_.end()) merged = open->second;
  auto scoped = name.empty() ? by_host_.end() : by_host_.find(name);
  // `*` spans one label, so a host has one wildcard that can match it.
  if (const std::size_t dot = name.find('.');
      scoped == by_host_.end() && dot != std::string::npos) {
    scoped = by_host_.find("*" + name.substr(dot));
  }
  if (scoped != by_host_.end()) {
    for (const auto& [id, entry] : scoped->second) merged.insert_or_assign(id, entry);
  }
  std::vector<ModelEntry> out;
  for (auto& [id, entry] : merged) out.push_back(std::move(entry));
  return out;
}

namespace {

void write_openai(openai::JsonWriter& writer, const ModelEntry& model) {
  writer.begin_object().key("id").string(model.id).key("object").string("model");
  writer.key("created").integer(model.created).key("owned_by").string(model.owned_by);
  writer.end_object();
}

}  // namespace

std::optional<std::string> ModelCatalogue::openai_model(std::string_view host, std::string_view id,
                                                        const Visible& visible) const {
  for (const ModelEntry& model : models_for(host)) {
    if (model.id != id || !visible(id)) continue;
    std::string out;
    openai::JsonWriter writer(out);
    write_openai(writer, model);
    return out;
  }
  return std::nullopt;
}

std::string ModelCatalogue::openai_list(std::string_view host, const Visible& visible) const {
  std::string out;
  openai::JsonWriter writer(out);
  writer.begin_object().key("object").string("list").key("data").begin_array();
  for (const ModelEntry& model : models_for(host)) {
    if (visible(model.id)) write_openai(writer, model);
  }
  writer.end_array().end_object();
  return out;
}

std::string ModelCatalogue::anthropic_list(std::string_view host, const Visible& visible) const {
  std::vector<ModelEntry> models = models_for(host);
  std::erase_if(models, [&](const ModelEntry& model) { return !visible(model.id); });
  std::string out;
  openai::JsonWriter writer(out);
  writer.begin_object().key("data").begin_array();
  for (const ModelEntry& model : models) {
    writer.begin_object().key("id").string(model.id).key("type").string("model");
    writer.key("display_name").string(model.id);
    writer.key("created_at").string(rfc3339(model.created)).end_object();
  }
  writer.end_array().key("has_more").boolean(false);
  const auto id_or_null = [&](std::string_view key, const ModelEntry* model) {
    writer.key(key);
    if (model == nullptr) {
      writer.null();
    } else {
      writer.string(model->id);
    }
  };
  id_or_null("first_id", models.empty() ? nullptr : &models.front());
  id_or_null("last_id", models.empty() ? nullptr : &models.back());
  writer.end_object();
  return out;
}

}  // namespace nacelle::gateway::ai
