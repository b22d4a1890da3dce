#include "cli/kube/apply.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "async/timer.h"
#include "cli/kube/catalog.h"

namespace nacelle::cli {
namespace {

using kube::Json;
using kube::text_at;

constexpr Duration kPause = std::chrono::milliseconds(50);

// Whether applying changed nothing. A dry run gives no new version.
bool is_same(Json before, Json after, bool dry_run) {
  if (!dry_run) return kube::version_of(before) == kube::version_of(after);
  for (Json* each : {&before, &after}) {
    for (const char* field : {"managedFields", "resourceVersion", "generation"}) {
      (*each)["metadata"].erase(field);
    }
  }
  return before == after;
}

class Apply {
 public:
  Apply(Cluster& cluster, ApplyOptions options, const Terminal& terminal)
      : cluster_(cluster), options_(options), terminal_(terminal) {}

  async::Task<int> run(std::vector<ManifestObject> objects) {
    sort_for_creation(objects);
    auto catalog = co_await KindCatalog::load(*cluster_.client);
    if (!catalog.ok()) {
      terminal_.err("error: " + catalog.error().message() + "\n" + cluster_.hint + "\n");
      co_return 1;
    }
    catalog_ = std::move(*catalog);
    for (ManifestObject& each : objects) {
      const bool done = co_await one(each);
      if (!done) failed_ = true;
    }
    co_return failed_ ? 1 : 0;
  }

 private:
  async::Task<bool> one(ManifestObject& given) {
    Json& object = given.object;
    const auto type = co_await type_of(object);
    if (!type && options_.dry_run && comes_with_us(object)) {
      terminal_.err(given.from + ": not checked: its kind comes with this very command\n");
      co_return true;
    }
    if (!type) {
      terminal_.err(
          fmt::format("error: {}: no matches for kind \"{}\" in version \"{}\": is the "
                      "CustomResourceDefinition of it installed?\n",
                      given.from, text_at(object, {"kind"}), text_at(object, {"apiVersion"})));
      co_return false;
    }
    const std::string name_space = place(object, *type);
    if (type->namespaced && name_space.empty()) {
      const std::string own = kube::key_of(object).name_space;
      terminal_.err(fmt::format(
          "error: {}: the namespace from the provided object \"{}\" does not match the namespace "
          "\"{}\". You must pass '--namespace={}' to perform this operation.\n",
          given.from, own, cluster_.name_space, own));
      co_return false;
    }
    const std::string name = kube::key_of(object).name;
    kube::ObjectRef ref(type->resource, name_space, name);
    auto before = co_await cluster_.client->get(ref);
    kube::WriteOptions how;
    how.dry_run = options_.dry_run;
    how.force = options_.force_conflicts;
    how.validation =
        options_.strict ? kube::FieldValidation::kStrict : kube::FieldValidation::kWarn;
    auto answer = co_await cluster_.client->apply(ref, object, how);
    if (!succeeded(answer)) {
      explain(given, answer);
      co_return false;
    }
    terminal_.warn(answer->warnings);
    const bool same = succeeded(before) && answer->status != 201 &&
                      is_same(before->body, answer->body, options_.dry_run);
    const char* what = answer->status == 201 ? "created" : same ? "unchanged" : "configured";
    terminal_.out(fmt::format("{} {}{}\n", type->label(name), what,
                              options_.dry_run ? " (server dry run)" : ""));
    if (type->kind != "CustomResourceDefinition") co_return true;
    made_.insert(std::string(text_at(object, {"spec", "group"})) + "/" +
                 std::string(text_at(object, {"spec", "names", "kind"})));
    if (options_.dry_run) co_return true;
    const bool served = co_await until_established(ref);
    co_return served;
  }

  // The namespace to write to; "" when the object's is another one than was asked for.
  std::string place(Json& object, const ResourceType& type) const {
    if (!type.namespaced) return "";
    const std::string own = kube::key_of(object).name_space;
    if (!own.empty() && options_.name_space_given && own != cluster_.name_space) return "";
    const std::string out = own.empty() ? cluster_.name_space : own;
    object["metadata"]["namespace"] = out;
    return out;
  }

  void explain(const ManifestObject& given, const Result<kube::Answer>& answer) const {
    terminal_.err(given.from + ": " + sentence(answer) + "\n");
    if (!answer.ok()) {
      terminal_.err(cluster_.hint + "\n");
    } else if (answer->error->conflict()) {
      terminal_.err(
          "Others own these fields. Leave them out of the file, or take them with "
          "--force-conflicts.\n");
    }
  }

  // Kinds of definitions that were just applied may take a moment.
  async::Task<std::optional<ResourceType>> type_of(const Json& object) {
    auto found = catalog_.of_object(object);
    if (found || options_.dry_run || !comes_with_us(object)) co_return found;
    const TimePoint until = std::chrono::steady_clock::now() + options_.kinds_within;
    while (!found && std::chrono::steady_clock::now() < until) {
      auto again = co_await KindCatalog::load(*cluster_.client);
      if (again.ok()) catalog_ = std::move(*again);
      found = catalog_.of_object(object);
      if (!found) co_await async::sleep_for(kPause);
    }
    co_return found;
  }

  // Whether a definition of this run makes the kind.
  bool comes_with_us(const Json& object) const {
    const std::string_view api = text_at(object, {"apiVersion"});
    return made_.contains(std::string(api.substr(0, api.find('/'))) + "/" +
                          std::string(text_at(object, {"kind"})));
  }

  async::Task<bool> until_established(kube::ObjectRef ref) {
    const TimePoint until = std::chrono::steady_clock::now() + options_.kinds_within;
    std::string problem = "no condition yet";
    while (std::chrono::steady_clock::now() < until) {
      auto read = co_await cluster_.client->get(ref);
      if (succeeded(read)) {
        for (const Json& each : kube::list_at(read->body, {"status", "conditions"})) {
          const bool is_true = text_at(each, {"status"}) == "True";
          if (text_at(each, {"type"}) == "Established" && is_true) co_return true;
          if (!is_true) problem = text_at(each, {"message"});
        }
      }
      co_await async::sleep_for(kPause);
    }
    terminal_.err(fmt::format("error: {} is not established: {}\n", ref.name, problem));
    co_return false;
  }

  Cluster& cluster_;
  const ApplyOptions options_;
  const Terminal& terminal_;
  KindCatalog catalog_;
  std::set<std::string> made_;  // "group/Kind" of the definitions of this run
  bool failed_ = false;
};

}  // namespace

async::Task<int> apply(Cluster& cluster, std::vector<ManifestObject> objects, ApplyOptions options,
                       const Terminal& terminal) {
  Apply command(cluster, options, terminal);
  const int code = co_await command.run(std::move(objects));
  co_return code;
}

}  // namespace nacelle::cli
