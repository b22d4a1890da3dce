#include "cli/kube/get.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "async/timer.h"
#include "cli/kube/selection.h"
#include "cli/kube/table_text.h"
#include "cli/kube/yaml_text.h"

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;
using Output = GetOptions::Output;

constexpr const char* kTableAccept =
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
constexpr const char* kPage = "500";
constexpr Duration kReconnectPause = std::chrono::milliseconds(500);

class Get {
 public:
  Get(Cluster& cluster, GetOptions options, const Terminal& terminal)
      : cluster_(cluster), options_(std::move(options)), terminal_(terminal) {}

  async::Task<int> run() {
    auto catalog = co_await KindCatalog::load(*cluster_.client);
    if (!catalog.ok()) {
      terminal_.err("error: " + catalog.error().message() + "\n" + cluster_.hint + "\n");
      co_return 1;
    }
    auto selected = select(*catalog, options_.words);
    if (!selected.ok()) {
      terminal_.err("error: " + selected.error().message() + "\n");
      co_return 1;
    }
    if (options_.watch && (selected->size() != 1 || (*selected)[0].names.size() > 1)) {
      terminal_.err("error: a watch is for one kind, or one object of it\n");
      co_return 1;
    }
    const bool several = selected->size() > 1;
    for (const Selection& each : *selected) co_await show(each, several);
    if (!as_table()) print_objects(*selected);
    if (as_table() && shown_ == 0 && !failed_ && !options_.watch && !options_.ignore_not_found) {
      const bool spaced = !options_.all_namespaces && (*selected)[0].type.namespaced;
      terminal_.err(spaced ? "No resources found in " + cluster_.name_space + " namespace.\n"
                           : "No resources found\n");
    }
    if (options_.watch && !failed_) co_await watch((*selected)[0]);
    co_return failed_ ? 1 : 0;
  }

 private:
  bool as_table() const {
    return options_.output == Output::kTable || options_.output == Output::kWide;
  }

  std::string path_of(const ResourceType& type, const std::string& name) const {
    const std::string space =
        !type.namespaced || (options_.all_namespaces && name.empty()) ? "" : cluster_.name_space;
    return name.empty() ? kube::collection_path(type.resource, space)
                        : kube::object_path(type.resource, space, name);
  }

  kube::Call call_of(std::string target) const {
    kube::Call out(std::move(target));
    if (as_table()) out.accept = kTableAccept;
    return out;
  }

  TableStyle style(const ResourceType& type, bool several) const {
    TableStyle out;
    out.wide = options_.output == Output::kWide;
    out.namespaces = options_.all_namespaces && type.namespaced;
    out.headers = options_.headers;
    if (several) out.prefix = type.label("");
    return out;
  }

  async::Task<void> show(const Selection& selection, bool several) {
    const ResourceType& type = selection.type;
    TableText table(style(type, several));
    if (selection.names.empty()) {
      co_await list(type, table);
    } else if (options_.all_namespaces) {
      fail("error: a resource cannot be retrieved by name across all namespaces");
    } else {
      for (const std::string& name : selection.names) co_await one(type, name, table);
    }
    if (!as_table()) co_return;
    if (several && shown_ > 0 && table.rows() > 0) terminal_.out("\n");
    shown_ += table.rows();
    // No head without a row; that of a watch comes with its first one.
    if (table.rows() > 0) terminal_.out(table.take());
    if (options_.watch) table_ = std::move(table);
  }

  async::Task<void> one(const ResourceType& type, const std::string& name, TableText& table) {
    auto answer = co_await cluster_.client->call(call_of(path_of(type, name)));
    if (answer.ok() && answer->error && answer->error->absent() && options_.ignore_not_found) {
      co_return;
    }
    if (!take(answer)) co_return;
    single_ = true;
    add(answer->body, table);
  }

  async::Task<void> list(const ResourceType& type, TableText& table) {
    std::string token;
    do {
      const kube::Query query{{"labelSelector", options_.label_selector},
                              {"fieldSelector", options_.field_selector},
                              {"limit", kPage},
                              {"continue", token}};
      auto answer =
          co_await cluster_.client->call(call_of(kube::with_query(path_of(type, ""), query)));
      if (!take(answer)) co_return;
      token = text_at(answer->body, {"metadata", "continue"});
      add(answer->body, table);
    } while (!token.empty());
  }

  bool take(const Result<kube::Answer>& answer) {
    if (!succeeded(answer)) {
      fail(sentence(answer));
      if (!answer.ok()) terminal_.err(cluster_.hint + "\n");
      return false;
    }
    terminal_.warn(answer->warnings);
    version_ = text_at(answer->body, {"metadata", "resourceVersion"});
    return true;
  }

  void fail(const std::string& text) {
    terminal_.err(text + "\n");
    failed_ = true;
  }

  void add(const Json& body, TableText& table) {
    if (as_table()) {
      table.add(body);
    } else if (body.contains("items")) {
      // Items of a list say what they are only in its kind.
      std::string kind(text_at(body, {"kind"}));
      if (kind.ends_with("List")) kind.resize(kind.size() - 4);
      for (Json item : kube::list_at(body, {"items"})) {
        if (!item.contains("kind")) item["kind"] = kind;
        if (!item.contains("apiVersion")) item["apiVersion"] = text_at(body, {"apiVersion"});
        objects_.push_back(std::move(item));
      }
    } else {
      objects_.push_back(body);
    }
  }

  void print_objects(const std::vector<Selection>& selected) {
    if (options_.output == Output::kName) {
      for (const Json& object : objects_) print_name(object, selected);
      return;
    }
    if (objects_.empty() && (failed_ || options_.ignore_not_found)) return;
    const bool alone = single_ && objects_.size() == 1;
    print(alone ? objects_[0]
                : Json{{"apiVersion", "v1"},
                       {"kind", "List"},
                       {"metadata", {{"resourceVersion", ""}}},
                       {"items", objects_}});
  }

  void print(Json object) {
    if (object.contains("metadata") && object["metadata"].is_object()) {
      object["metadata"].erase("managedFields");
    }
    if (object.contains("items") && object["items"].is_array()) {
      for (Json& item : object["items"]) {
        if (item.contains("metadata") && item["metadata"].is_object()) {
          item["metadata"].erase("managedFields");
        }
      }
    }
    terminal_.out(options_.output == Output::kYaml
                      ? yaml_text(object)
                      : object.dump(4, ' ', false, Json::error_handler_t::replace) + "\n");
  }

  void print_name(const Json& object, const std::vector<Selection>& selected) {
    for (const Selection& each : selected) {
      if (each.type.kind == text_at(object, {"kind"})) {
        terminal_.out(each.type.label(kube::key_of(object).name) + "\n");
        return;
      }
    }
  }

  // Goes on where the list ended, also over ends of the stream; 410 begins anew.
  async::Task<void> watch(const Selection& selection) {
    std::size_t events = 0;
    for (;;) {
      kube::Query query{{"watch", "true"},
                        {"allowWatchBookmarks", "true"},
                        {"resourceVersion", version_},
                        {"labelSelector", options_.label_selector},
                        {"fieldSelector", field_selector(selection)}};
      kube::Watch stream(*cluster_.client);
      auto opened = co_await stream.open(kube::with_query(path_of(selection.type, ""), query),
                                         as_table() ? kTableAccept : "application/json");
      if (opened.ok() && *opened && !(*opened)->expired()) co_return fail(sentence(**opened));
      bool expired = opened.ok() && *opened;
      while (opened.ok() && !*opened && !expired) {
        std::vector<kube::WatchEvent> batch;
        const Status read = co_await stream.read(batch);
        if (batch.empty() || !read.ok()) break;
        for (const kube::WatchEvent& event : batch) {
          if (event.type == kube::WatchEvent::Type::kError) {
            expired = true;
            break;
          }
          if (on_event(event, selection) && ++events == options_.most_events) co_return;
        }
      }
      if (expired) version_.clear();  // all again, since nobody knows what was missed
      co_await async::sleep_for(kReconnectPause);
    }
  }

  std::string field_selector(const Selection& selection) const {
    if (selection.names.empty()) return options_.field_selector;
    return "metadata.name=" + selection.names[0];
  }

  // False when there was nothing to print.
  bool on_event(const kube::WatchEvent& event, const Selection& selection) {
    const std::string_view version = text_at(event.object, {"metadata", "resourceVersion"});
    if (!version.empty()) version_ = version;
    if (event.type == kube::WatchEvent::Type::kBookmark) return false;
    if (as_table()) {
      if (!table_) table_.emplace(style(selection.type, false));
      table_->add(event.object);
      terminal_.out(table_->take());
    } else if (options_.output == Output::kName) {
      print_name(event.object, {selection});
    } else {
      if (options_.output == Output::kYaml) terminal_.out("---\n");
      print(event.object);
    }
    return true;
  }

  Cluster& cluster_;
  const GetOptions options_;
  const Terminal& terminal_;
  Json objects_ = Json::array();
  std::optional<TableText> table_;
  std::string version_;
  std::size_t shown_ = 0;
  bool single_ = false;
  bool failed_ = false;
};

}  // namespace

async::Task<int> get(Cluster& cluster, GetOptions options, const Terminal& terminal) {
  Get command(cluster, std::move(options), terminal);
  const int code = co_await command.run();
  co_return code;
}

}  // namespace nacelle::cli
