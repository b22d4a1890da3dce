// The commands against an API server over HTTPS, found by its kubeconfig.
#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <future>
#include <mutex>
#include <optional>

#include "async/runtime.h"
#include "cli/kube/apply.h"
#include "cli/kube/get.h"
#include "cli/kube/logs.h"
#include "cli/kube/nodes.h"
#include "cli/kube/remove.h"
#include "kube/api_server.h"
#include "net/testing/test_folder.h"

namespace nacelle::cli {
namespace {

using kube::Json;

class OneLog final : public kube::PodLogStream {
 public:
  explicit OneLog(std::string text) : text_(std::move(text)) {}
  async::Task<Result<std::optional<std::string>>> next(TimePoint) override {
    co_return std::optional(std::exchange(text_, ""));
  }

 private:
  std::string text_;
};

class FakeLogs final : public kube::PodLogs {
 public:
  async::Task<Result<std::unique_ptr<kube::PodLogStream>>> open(async::Loop&,
                                                                kube::PodLogQuery query) override {
    if (query.previous) {
      co_return failed_precondition("previous terminated container \"{}\" in pod \"{}\" not found",
                                    query.container, query.pod.name);
    }
    std::unique_ptr<kube::PodLogStream> out =
        std::make_unique<OneLog>(query.container + " of " + query.pod.name + " says " +
                                 std::to_string(query.tail_lines.value_or(-1)) + "\n");
    co_return out;
  }
};

async::Task<void> stop_server(kube::ApiServer* server) { co_await server->stop(); }

// What a command printed; lines can be waited for.
struct Screen {
  std::mutex mutex;
  std::condition_variable changed;
  std::string out, err;

  Terminal terminal() {
    return {[this](std::string_view text) { add(out, text); },
            [this](std::string_view text) { add(err, text); }};
  }
  void add(std::string& to, std::string_view text) {
    std::lock_guard lock(mutex);
    to += text;
    changed.notify_all();
  }
  void wait_for(const std::string& text) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return out.find(text) != std::string::npos; });
  }
};

using Command = std::function<async::Task<int>(Cluster&, const Terminal&)>;

async::Task<int> run(async::Loop* loop, ClusterChoice choice, const Command* command,
                     const Terminal* terminal) {
  auto cluster = Cluster::connect(*loop, std::move(choice));
  EXPECT_TRUE(cluster.ok());
  const int code = co_await (*command)(*cluster, *terminal);
  co_return code;
}

class Commands : public ::testing::Test {
 protected:
  Commands() : runtime_(3) {
    runtime_.start();
    kube::ApiServerOptions options;
    options.folder = folder_.path() / "api";
    options.pod_logs = &logs_;
    auto server = kube::ApiServer::start(runtime_, options);
    if (!server.ok()) std::abort();
    server_ = std::move(*server);
  }
  ~Commands() override {
    async::run_blocking(runtime_.loop(0), stop_server(server_.get()));
    server_.reset();
  }

  int call(const Command& command, Screen& screen, const std::string& name_space = "") {
    ClusterOptions options;
    options.data_dir = folder_.path();
    options.name_space = name_space;
    auto choice = find_cluster(options);
    EXPECT_TRUE(choice.ok());
    const Terminal terminal = screen.terminal();
    return async::run_blocking(runtime_.loop(2),
                               run(&runtime_.loop(2), std::move(*choice), &command, &terminal));
  }
  // Everything that was printed, and the exit code when it is not 0.
  std::string text_of(const Command& command, const std::string& name_space = "") {
    Screen screen;
    const int code = call(command, screen, name_space);
    return screen.out + screen.err + (code == 0 ? "" : "exit " + std::to_string(code) + "\n");
  }
  std::string apply_text(const std::string& yaml, ApplyOptions options = {},
                         const std::string& name_space = "") {
    auto objects = parse_manifest(yaml, "f");
    if (!objects.ok()) return objects.error().message();
    options.name_space_given = !name_space.empty();
    return text_of(
        [&](Cluster& cluster, const Terminal& terminal) {
          return apply(cluster, *objects, options, terminal);
        },
        name_space);
  }
  std::string get_text(GetOptions options, const std::string& name_space = "") {
    return text_of(
        [&](Cluster& cluster, const Terminal& terminal) { return get(cluster, options, terminal); },
        name_space);
  }
  std::string get_words(std::vector<std::string> words,
                        GetOptions::Output output = GetOptions::Output::kTable) {
    GetOptions options;
    options.words = std::move(words);
    options.output = output;
    return get_text(options);
  }
  std::string remove_text(RemoveOptions options) {
    return text_of([&](Cluster& cluster, const Terminal& terminal) {
      return remove(cluster, options, terminal);
    });
  }

  FakeLogs logs_;
  net::testing::TestFolder folder_;
  async::Runtime runtime_;
  std::unique_ptr<kube::ApiServer> server_;
};

const char* kConfig = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n";

TEST_F(Commands, ApplySaysWhatBecame) {
  EXPECT_EQ(apply_text(kConfig), "configmap/a created\n");
  EXPECT_EQ(apply_text(kConfig), "configmap/a unchanged\n");
  const std::string other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: w}\n";
  ApplyOptions dry;
  dry.dry_run = true;
  EXPECT_EQ(apply_text(other, dry), "configmap/a configured (server dry run)\n");
  EXPECT_EQ(apply_text(other), "configmap/a configured\n");
}

TEST_F(Commands, ApplyTakesNothingFromOthersUnasked) {
  ASSERT_EQ(apply_text(kConfig), "configmap/a created\n");
  const std::string other =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: theirs}\n";
  auto objects = parse_manifest(other, "f");
  const std::string theirs = text_of([&](Cluster& cluster, const Terminal&) -> async::Task<int> {
    kube::ObjectRef ref(kube::Resource("", "v1", "configmaps"), "default", "a");
    return [](kube::Client* client, kube::ObjectRef at, Json wanted) -> async::Task<int> {
      kube::WriteOptions how = kube::WriteOptions::forced();
      how.field_manager = "somebody";
      auto answer = co_await client->apply(at, wanted, how);
      co_return succeeded(answer) ? 0 : 1;
    }(cluster.client.get(), ref, (*objects)[0].object);
  });
  ASSERT_EQ(theirs, "");
  const std::string refused = apply_text(kConfig);
  EXPECT_NE(refused.find("somebody"), std::string::npos) << refused;
  EXPECT_NE(refused.find("--force-conflicts"), std::string::npos) << refused;
  EXPECT_NE(refused.find("exit 1"), std::string::npos);
  ApplyOptions force;
  force.force_conflicts = true;
  EXPECT_EQ(apply_text(kConfig, force), "configmap/a configured\n");
}

TEST_F(Commands, KindsAndTheirObjectsInOneFile) {
  const std::string object =
      "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 3}\n---\n";
  const std::string definition =
      "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
      "metadata: {name: widgets.example.com}\nspec:\n  group: example.com\n  scope: Namespaced\n"
      "  names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd]}\n"
      "  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n"
      "      openAPIV3Schema:\n        type: object\n        properties:\n          spec:\n"
      "            type: object\n            properties: {size: {type: integer}}\n";
  ApplyOptions dry;
  dry.dry_run = true;
  EXPECT_EQ(apply_text(object + definition, dry),
            "customresourcedefinition.apiextensions.k8s.io/widgets.example.com created (server dry "
            "run)\n"
            "f:1: not checked: its kind comes with this very command\n");
  EXPECT_EQ(apply_text(object + definition),
            "customresourcedefinition.apiextensions.k8s.io/widgets.example.com created\n"
            "widget.example.com/w created\n");
  EXPECT_EQ(get_words({"wd"}, GetOptions::Output::kName), "widget.example.com/w\n");
  EXPECT_EQ(apply_text("apiVersion: example.com/v1\nkind: Gadget\nmetadata: {name: g}\n"),
            "error: f:1: no matches for kind \"Gadget\" in version \"example.com/v1\": is the "
            "CustomResourceDefinition of it installed?\nexit 1\n");
}

TEST_F(Commands, UnknownFieldsAreErrorsAndTheOthersGoOn) {
  const std::string yaml =
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndate: {k: v}\n---\n"
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
  const std::string strict = apply_text(yaml);
  EXPECT_NE(strict.find("f:1: Error from server"), std::string::npos) << strict;
  EXPECT_NE(strict.find("date"), std::string::npos) << strict;
  EXPECT_NE(strict.find("configmap/b created"), std::string::npos) << "the others go on";
  EXPECT_NE(strict.find("exit 1"), std::string::npos);
}

TEST_F(Commands, NamespacesAreChosenAndChecked) {
  EXPECT_EQ(
      apply_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: team}\n---\n"
                 "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"),
      "namespace/team created\nconfigmap/a created\n");
  EXPECT_EQ(apply_text(kConfig, {}, "team"), "configmap/a configured\n");
  const std::string mixed = apply_text(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: other}\n", {}, "team");
  EXPECT_NE(mixed.find("does not match the namespace \"team\""), std::string::npos) << mixed;
}

TEST_F(Commands, GetPrintsTheServersTable) {
  ASSERT_EQ(apply_text(kConfig), "configmap/a created\n");
  GetOptions options;
  options.words = {"cm", "a"};
  const std::string table = get_text(options);
  EXPECT_TRUE(table.starts_with("NAME   DATA   AGE\na      1      ")) << table;
  options.headers = false;
  EXPECT_TRUE(get_text(options).starts_with("a   1   ")) << get_text(options);
  EXPECT_EQ(get_words({"configmap/a"}, GetOptions::Output::kName), "configmap/a\n");
  EXPECT_EQ(get_words({"cm", "nope"}),
            "Error from server (NotFound): configmaps \"nope\" not found\nexit 1\n");
  options.words = {"cm", "nope"};
  options.ignore_not_found = true;
  EXPECT_EQ(get_text(options), "");
  EXPECT_EQ(get_words({"pods"}), "No resources found in default namespace.\n");
  EXPECT_EQ(get_words({"dragons"}),
            "error: the server doesn't have a resource type \"dragons\"\nexit 1\n");
  GetOptions all;
  all.words = {"cm"};
  all.all_namespaces = true;
  const std::string everywhere = get_text(all);
  EXPECT_TRUE(everywhere.starts_with("NAMESPACE")) << everywhere;
  EXPECT_NE(everywhere.find("kube-system"), std::string::npos);
  const std::string two = get_words({"ns,cm"});
  EXPECT_NE(two.find("namespace/default"), std::string::npos) << two;
  EXPECT_NE(two.find("configmap/a"), std::string::npos) << two;
}

TEST_F(Commands, GetPrintsObjects) {
  ASSERT_EQ(apply_text(kConfig), "configmap/a created\n");
  const std::string yaml = get_words({"cm", "a"}, GetOptions::Output::kYaml);
  EXPECT_TRUE(yaml.starts_with("apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\n")) << yaml;
  EXPECT_EQ(yaml.find("managedFields"), std::string::npos);
  const Json one = Json::parse(get_words({"cm", "a"}, GetOptions::Output::kJson));
  EXPECT_EQ(one["data"]["k"], "v");
  const Json list = Json::parse(get_words({"cm"}, GetOptions::Output::kJson));
  EXPECT_EQ(list["kind"], "List");
  for (const Json& item : list["items"]) EXPECT_EQ(item["kind"], "ConfigMap");
}

TEST_F(Commands, AWatchGoesOnWithWhatChanges) {
  ASSERT_EQ(apply_text(kConfig), "configmap/a created\n");
  Screen screen;
  GetOptions options;
  options.words = {"cm", "a"};
  options.watch = true;
  options.most_events = 1;
  ClusterOptions where;
  where.data_dir = folder_.path();
  const Command command = [&](Cluster& cluster, const Terminal& terminal) {
    return get(cluster, options, terminal);
  };
  const Terminal terminal = screen.terminal();
  auto watching = std::async(std::launch::async, [&] {
    return async::run_blocking(runtime_.loop(1),
                               run(&runtime_.loop(1), *find_cluster(where), &command, &terminal));
  });
  screen.wait_for("a      1");
  EXPECT_EQ(apply_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
                       "data: {k: v, l: v}\n"),
            "configmap/a configured\n");
  EXPECT_EQ(watching.get(), 0);
  EXPECT_NE(screen.out.find("\na      2"), std::string::npos) << screen.out;
}

TEST_F(Commands, DeleteWaitsAndSaysWhatHolds) {
  ASSERT_EQ(apply_text(kConfig), "configmap/a created\n");
  RemoveOptions one;
  one.words = {"cm", "a"};
  EXPECT_EQ(remove_text(one), "configmap \"a\" deleted\n");
  EXPECT_EQ(remove_text(one), "Error from server (NotFound): configmaps \"a\" not found\nexit 1\n");
  one.ignore_not_found = true;
  EXPECT_EQ(remove_text(one), "");
  ASSERT_EQ(apply_text("apiVersion: v1\nkind: ConfigMap\n"
                       "metadata: {name: held, finalizers: [example.com/x]}\n"),
            "configmap/held created\n");
  RemoveOptions held;
  held.words = {"configmap/held"};
  held.timeout = std::chrono::milliseconds(1);
  EXPECT_EQ(remove_text(held),
            "configmap \"held\" deleted\n"
            "error: timed out waiting for configmap \"held\" to go: its finalizers are "
            "[\"example.com/x\"]\nexit 1\n");
  held.wait = false;
  EXPECT_EQ(remove_text(held), "configmap \"held\" deleted\n");
  RemoveOptions nothing;
  nothing.words = {"cm"};
  EXPECT_NE(remove_text(nothing).find("no name was specified"), std::string::npos);
  RemoveOptions files;
  files.objects = *parse_manifest(
      std::string(kConfig) + "---\n" + "apiVersion: v1\nkind: Namespace\nmetadata: {name: t}\n",
      "f");
  files.wait = false;
  ASSERT_EQ(apply_text(std::string(kConfig) +
                       "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: t}\n"),
            "namespace/t created\nconfigmap/a created\n");
  EXPECT_EQ(remove_text(files), "configmap \"a\" deleted\nnamespace \"t\" deleted\n");
}

TEST_F(Commands, LogsOfAPod) {
  ASSERT_EQ(apply_text("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  nodeName: node-1\n"
                       "  containers: [{name: one, image: i}, {name: two, image: i}]\n"),
            "pod/p created\n");
  LogsOptions options;
  options.pod = "p";
  options.tail = 5;
  const auto text = [&] {
    return text_of([&](Cluster& cluster, const Terminal& terminal) {
      return logs(cluster, options, terminal);
    });
  };
  EXPECT_EQ(text(), "one of p says 5\nDefaulted container \"one\" out of: one, two\n");
  options.container = "two";
  options.pod = "pod/p";
  EXPECT_EQ(text(), "two of p says 5\n");
  options.previous = true;
  EXPECT_NE(text().find("previous terminated container \"two\" in pod \"p\" not found"),
            std::string::npos)
      << text();
  options.container = "three";
  EXPECT_NE(text().find("exit 1"), std::string::npos);
  options.pod = "q";
  EXPECT_EQ(text(), "Error from server (NotFound): pods \"q\" not found\nexit 1\n");
  options.pod = "deployment/web";
  EXPECT_NE(text().find("logs are of pods"), std::string::npos);
}

TEST_F(Commands, NodesStopAndStart) {
  const auto list = [&] {
    return text_of(
        [](Cluster& cluster, const Terminal& terminal) { return list_nodes(cluster, terminal); });
  };
  const auto set = [&](const char* name, bool stop) {
    return text_of([=](Cluster& cluster, const Terminal& terminal) {
      return stop_node(cluster, name, stop, terminal);
    });
  };
  EXPECT_EQ(list(), "There are no nodes.\n");
  ASSERT_EQ(apply_text("apiVersion: v1\nkind: Node\nmetadata: {name: node-0}\n"),
            "node/node-0 created\n");
  EXPECT_NE(list().find("node-0   Unknown   0"), std::string::npos) << list();
  EXPECT_EQ(set("node-0", true), "node/node-0 stopped\n");
  EXPECT_EQ(set("node-0", true), "node/node-0 is stopped already\n");
  EXPECT_NE(list().find("Unknown,Stopped"), std::string::npos) << list();
  const Json node = Json::parse(get_words({"node", "node-0"}, GetOptions::Output::kJson));
  EXPECT_EQ(node["metadata"]["annotations"][std::string(kStoppedAnnotation)], "true");
  EXPECT_EQ(set("node-0", false), "node/node-0 started\n");
  EXPECT_EQ(list().find("Stopped"), std::string::npos);
  EXPECT_NE(set("nope", true).find("nodes \"nope\" not found"), std::string::npos);
}

TEST_F(Commands, AServerThatIsGoneIsNamed) {
  ClusterOptions where;
  where.data_dir = folder_.path();
  ClusterChoice choice = *find_cluster(where);
  ASSERT_TRUE(kube::set_server("https://127.0.0.1:1", choice.config).ok());
  Screen screen;
  GetOptions options;
  options.words = {"pods"};
  const Command command = [&](Cluster& cluster, const Terminal& terminal) {
    return get(cluster, options, terminal);
  };
  const Terminal terminal = screen.terminal();
  const int code = async::run_blocking(
      runtime_.loop(2), run(&runtime_.loop(2), std::move(choice), &command, &terminal));
  EXPECT_EQ(code, 1);
  EXPECT_NE(screen.err.find("https://127.0.0.1:1"), std::string::npos) << screen.err;
  EXPECT_NE(screen.err.find("Is `nacelle up` running?"), std::string::npos) << screen.err;
}

TEST(FindCluster, TheFirstPlaceThatIsThere) {
  net::testing::TestFolder folder;
  const auto write = [&](const std::string& file, const std::string& server) {
    const auto path = folder.path() / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
                           "clusters: [{name: c, cluster: {server: '"
                        << server
                        << "'}}]\n"
                           "users: [{name: u, user: {token: t}}]\n"
                           "contexts: [{name: c, context: {cluster: c, user: u, namespace: n}}]\n";
    return path.string();
  };
  ClusterOptions options;
  options.data_dir = folder.path() / "data";
  options.home = folder.path() / "home";
  const auto none = find_cluster(options);
  ASSERT_FALSE(none.ok());
  EXPECT_NE(none.error().message().find("nacelle up"), std::string::npos);
  EXPECT_NE(none.error().message().find((folder.path() / "home").string()), std::string::npos);
  write("home/.kube/config", "https://home:1");
  EXPECT_EQ(find_cluster(options)->config.server, "https://home:1");
  write("data/api/kubeconfig", "https://up:1");
  EXPECT_EQ(find_cluster(options)->config.server, "https://up:1");
  EXPECT_TRUE(find_cluster(options)->of_up);
  options.kubeconfig_list = write("env", "https://env:1");
  EXPECT_EQ(find_cluster(options)->config.server, "https://env:1");
  options.kubeconfig = write("flag", "https://flag:1");
  EXPECT_EQ(find_cluster(options)->config.server, "https://flag:1");
  EXPECT_EQ(find_cluster(options)->config.name_space, "n");
  options.name_space = "other";
  EXPECT_EQ(find_cluster(options)->config.name_space, "other");
}

}  // namespace
}  // namespace nacelle::cli
