#include <algorithm>

#include "base/check.h"
#include "base/nearest_name.h"
#include "router/plugin_registry.h"

namespace nacelle::router {
namespace {

constexpr std::size_t kMaxPlugins = 1000;

// Stands in for a plugin that could not be made, so that references to it are no second problem.
class BrokenPlugin final : public Plugin {};

}  // namespace

BuildContext::BuildContext(std::vector<PluginSpec> specs, std::vector<std::string> profiles,
                           Options options, Problems& problems)
    : profiles_(std::move(profiles)), options_(options), problems_(problems) {
  if (specs.size() > kMaxPlugins) {
    problems_.add("plugins", fmt::format("{} plugins; there may be {}", specs.size(), kMaxPlugins));
    specs.resize(kMaxPlugins);
  }
  for (PluginSpec& spec : specs) entries_.push_back({std::move(spec)});
  num_declared_ = entries_.size();
}

ColumnId BuildContext::add_column(std::string name) {
  columns.push_back(std::move(name));
  return static_cast<ColumnId>(columns.size() - 1);
}

PrefixSourceId BuildContext::add_prefix_source(std::string name) {
  prefix_sources.push_back(std::move(name));
  return static_cast<PrefixSourceId>(prefix_sources.size() - 1);
}

void BuildContext::reads_header(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  headers.insert(std::move(lower));
}

std::optional<std::uint32_t> BuildContext::profile(std::string_view name) const {
  const auto found = std::find(profiles_.begin(), profiles_.end(), name);
  if (found == profiles_.end()) return std::nullopt;
  return static_cast<std::uint32_t>(found - profiles_.begin());
}

std::vector<std::string_view> BuildContext::declared_names() const {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < num_declared_; ++i) names.push_back(entries_[i].spec.name);
  return names;
}

Plugin* BuildContext::make(std::size_t index) {
  {
    Entry& entry = entries_[index];
    if (entry.state == State::kMade) return entry.plugin;
    if (entry.state == State::kBeingMade) {
      problems_.add(entry.spec.path, fmt::format("plugin '{}' refers to itself", entry.spec.name));
      return nullptr;
    }
    entry.state = State::kBeingMade;
  }
  const PluginSpec spec = entries_[index].spec;  // making one may add entries
  const PluginType* type = find_plugin_type(spec.type);
  std::shared_ptr<Plugin> plugin;
  if (type == nullptr) {
    std::vector<std::string_view> known;
    for (const PluginType& each : plugin_types()) known.push_back(each.type);
    problems_.add(spec.path + ".type", unknown_name("plugin type", spec.type, known));
  } else if (type->make == nullptr) {
    problems_.add(spec.path + ".type",
                  fmt::format("not supported: {}: {}", spec.type, type->not_supported));
  } else if (type->stability == Stability::kAlpha && !options_.allow_experimental_plugins) {
    problems_.add(
        spec.path + ".type",
        fmt::format("plugin type '{}' is Alpha; allow_experimental_plugins allows it", spec.type));
  } else {
    Fields parameters(&spec.parameters, spec.path + ".parameters", problems_);
    plugin = type->make(parameters, *this);
    parameters.finish();
  }
  if (plugin == nullptr) plugin = std::make_shared<BrokenPlugin>();
  plugin->set_identity(spec.type, spec.name);
  Entry& entry = entries_[index];
  entry.state = State::kMade;
  entry.plugin = plugin.get();
  made_.push_back(std::move(plugin));
  return entry.plugin;
}

Plugin* BuildContext::named(std::string_view name) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].spec.name == name) return make(i);
  }
  return nullptr;
}

Plugin* BuildContext::by_name(std::string_view name, Fields& fields, std::string_view key) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].spec.name != name) continue;
    Plugin* plugin = make(i);
    return dynamic_cast<BrokenPlugin*>(plugin) != nullptr ? nullptr : plugin;
  }
  // A type that is not declared stands for itself with defaults.
  if (find_plugin_type(name) != nullptr) return &of_type(name);
  fields.problem(key, unknown_name("plugin", name, declared_names()));
  return nullptr;
}

Plugin& BuildContext::of_type(std::string_view type) {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].spec.name == type) {
      if (Plugin* plugin = make(i);
          plugin != nullptr && dynamic_cast<BrokenPlugin*>(plugin) == nullptr) {
        return *plugin;
      }
    }
  }
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].spec.type != type || entries_[i].state == State::kBeingMade) continue;
    if (Plugin* plugin = make(i); dynamic_cast<BrokenPlugin*>(plugin) == nullptr) return *plugin;
  }
  const PluginType* found = find_plugin_type(type);
  CHECK(found != nullptr && found->make != nullptr);
  Fields none(nullptr, std::string(type), problems_);
  std::shared_ptr<Plugin> plugin = found->make(none, *this);
  plugin->set_identity(std::string(type), std::string(type));
  entries_.push_back(
      {{std::string(type), std::string(type), {}, std::string(type)}, State::kMade, plugin.get()});
  made_.push_back(plugin);
  return *plugin;
}

Plugin* BuildContext::named_or_type(std::string_view name, std::string_view path) {
  if (Plugin* plugin = named(name)) return plugin;
  const PluginType* type = find_plugin_type(name);
  if (type != nullptr && type->make != nullptr) return &of_type(name);
  problems_.add(path, unknown_name("plugin", name, declared_names()));
  return nullptr;
}

void BuildContext::make_all() {
  for (std::size_t i = 0; i < entries_.size(); ++i) make(i);
}

}  // namespace nacelle::router
