// plugin_registry.h: which plugin types there are, and how one is made from its parameters.
//
// A type is one line of the table in plugin_registry.cc. Its factory reads the parameters strictly
// (config/fields.h) and reports every problem there; it returns an object all the same, so that the
// rest of the file is checked in the same run.
//
// Home:    one load of a configuration.
// Source:  router.md sections 7 and 9.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "router/config/fields.h"
#include "router/schedule.h"

namespace nacelle::router {

class BuildContext;

enum class Stability { kStable, kAlpha, kDeprecated };

struct PluginType {
  std::string_view type;
  Stability stability = Stability::kStable;
  std::shared_ptr<Plugin> (*make)(Fields& parameters, BuildContext& context) = nullptr;
  std::string_view not_supported;  // why there is no factory
};

// Sorted by type.
[[nodiscard]] std::span<const PluginType> plugin_types();
[[nodiscard]] const PluginType* find_plugin_type(std::string_view type);

// A plugin of the configuration file, not made yet.
struct PluginSpec {
  std::string name;
  std::string type;
  ConfigNode parameters;
  std::string path;  // "plugins[2]"
};

// Makes plugins on demand, so that one can refer to another whatever their order in the file.
class BuildContext {
 public:
  struct Options {
    bool allow_experimental_plugins = false;
  };
  BuildContext(std::vector<PluginSpec> specs, std::vector<std::string> profiles, Options options,
               Problems& problems);

  // --- for factories -------------------------------------------------------------------------
  [[nodiscard]] ColumnId add_column(std::string name);
  [[nodiscard]] PrefixSourceId add_prefix_source(std::string name);
  // A header that a pure plugin reads; it becomes part of recorded requests.
  void reads_header(std::string_view name);
  [[nodiscard]] const std::vector<std::string>& profiles() const { return profiles_; }
  // The index of a profile; nullopt when there is none of that name.
  [[nodiscard]] std::optional<std::uint32_t> profile(std::string_view name) const;

  // The plugin that the field names, as a T. Null and no problem when the field is absent.
  template <class T>
  T* reference(Fields& fields, std::string_view key, std::string_view what) {
    std::string name;
    fields.text(key, name);
    if (name.empty()) return nullptr;
    return checked<T>(by_name(name, fields, key), name, fields, key, what);
  }
  // The same, but an absent field means the plugin of `default_type`, made with its defaults when
  // the file declares none.
  template <class T>
  T& producer(Fields& fields, std::string_view key, std::string_view default_type) {
    if (T* named = reference<T>(fields, key, default_type)) return *named;
    return dynamic_cast<T&>(of_type(default_type));
  }

  // --- for the assembly ----------------------------------------------------------------------
  // Null when it is not declared or could not be made.
  Plugin* named(std::string_view name);
  // The first declared plugin of the type, or a new one with defaults. The type must exist.
  Plugin& of_type(std::string_view type);
  // `name` as declared, or else as a type to make with defaults; null after a problem.
  Plugin* named_or_type(std::string_view name, std::string_view path);
  void make_all();
  [[nodiscard]] const std::vector<std::shared_ptr<Plugin>>& plugins() const { return made_; }
  [[nodiscard]] std::vector<std::string_view> declared_names() const;

  std::vector<std::string> prefix_sources;
  std::vector<std::string> columns;
  std::set<std::string> headers;
  ReservationOptions reservation;

 private:
  enum class State { kWaiting, kBeingMade, kMade };
  struct Entry {
    PluginSpec spec;
    State state = State::kWaiting;
    Plugin* plugin = nullptr;
  };

  Plugin* make(std::size_t index);
  Plugin* by_name(std::string_view name, Fields& fields, std::string_view key);
  template <class T>
  static T* checked(Plugin* plugin, std::string_view name, Fields& fields, std::string_view key,
                    std::string_view what) {
    if (plugin == nullptr) return nullptr;
    T* out = dynamic_cast<T*>(plugin);
    if (out == nullptr) {
      fields.problem(key,
                     fmt::format("plugin '{}' of type {} is no {}", name, plugin->type(), what));
    }
    return out;
  }

  std::vector<Entry> entries_;  // the declared ones first, then those made on demand
  std::size_t num_declared_ = 0;
  std::vector<std::string> profiles_;
  Options options_;
  Problems& problems_;
  std::vector<std::shared_ptr<Plugin>> made_;  // in dependency order
};

}  // namespace nacelle::router
