// What is read from files and printed: tables, goldens, and YAML that reads back.
#include <gtest/gtest.h>

#include <random>

#include "cli/kube/catalog.h"
#include "cli/kube/manifest.h"
#include "cli/kube/selection.h"
#include "cli/kube/table_text.h"
#include "cli/kube/yaml_text.h"
#include "kube/yaml.h"

namespace nacelle::cli {
namespace {

using kube::Json;

Json J(std::string_view text) { return Json::parse(text); }

TEST(Manifests, DocumentsListsAndJson) {
  const auto objects = parse_manifest(
      "# a comment\n"
      "---\n"
      "apiVersion: v1\n"
      "kind: ConfigMap\n"
      "metadata: {name: a}\n"
      "data:\n"
      "  text: |\n"
      "    ---\n"
      "    not a marker\n"
      "--- # the next one\n"
      "---\n"
      "{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [\n"
      "  {\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"b\"}},\n"
      "  {\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"c\"}}]}\n"
      "...\n"
      "---\n"
      "null\n",
      "app.yaml");
  ASSERT_TRUE(objects.ok()) << objects.error().message();
  ASSERT_EQ(objects->size(), 3U);
  EXPECT_EQ((*objects)[0].object["data"]["text"], "---\nnot a marker\n");
  EXPECT_EQ((*objects)[0].from, "app.yaml:2");
  EXPECT_EQ((*objects)[2].object["metadata"]["name"], "c");
  EXPECT_EQ((*objects)[2].from, "app.yaml:11");
}

TEST(Manifests, WhatIsWrongIsSaidWithItsPlace) {
  const auto problem = [](const char* text) {
    const auto objects = parse_manifest(text, "f");
    return objects.ok() ? std::string("none") : objects.error().message();
  };
  EXPECT_EQ(problem("kind: Pod\n"), "f:1: Pod has no apiVersion");
  EXPECT_EQ(problem("apiVersion: v1\nkind: Pod\n"), "f:1: Pod has no metadata.name");
  EXPECT_EQ(problem("---\n---\n- 1\n"), "f:2: this is no object of an API");
  EXPECT_EQ(problem("a: 1\n"), "f:1: the object has no kind");
  EXPECT_NE(problem("---\na: [1\n").find("f:1"), std::string::npos);
  // The line is that of the file, not of the document.
  const std::string second =
      problem("a: 1\nkind: K\napiVersion: v1\nmetadata: {name: x}\n---\na: 1\nb: {c: d\n");
  EXPECT_NE(second.find("f:5: "), std::string::npos) << second;
  EXPECT_NE(second.find("line 8, "), std::string::npos) << second;
  EXPECT_NE(read_manifests("/nowhere/at/all.yaml", false).error().message().find("/nowhere"),
            std::string::npos);
}

TEST(Manifests, KindsComeBeforeTheirObjects) {
  std::vector<ManifestObject> objects;
  for (const char* kind : {"Pod", "CustomResourceDefinition", "Secret", "Namespace"}) {
    objects.push_back({{{"kind", kind}}, ""});
  }
  sort_for_creation(objects);
  std::string order;
  for (const auto& each : objects) order += each.object["kind"].get<std::string>() + " ";
  EXPECT_EQ(order, "Namespace CustomResourceDefinition Pod Secret ");
}

TEST(YamlText, LooksLikeKubectls) {
  const Json object = J(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","labels":{}},
    "spec":{"list":[{"b":1,"a":[1,2]},"text",[]],"script":"a\nb\n","open":"a\nb","yes":"yes",
    "number":"12","time":"2026-11-29T21:14:20Z","colon":"a: b","empty":"","true":true,"none":null,
    "quote":"it's","tab":"a\tb","dash":"- x","version":"1.2.3-a","float":1.5}})");
  EXPECT_EQ(yaml_text(object), R"(apiVersion: v1
kind: Pod
metadata:
  labels: {}
  name: p
spec:
  colon: 'a: b'
  dash: '- x'
  empty: ""
  float: 1.5
  list:
  - a:
    - 1
    - 2
    b: 1
  - text
  - []
  none: null
  number: '12'
  open: |-
    a
    b
  quote: it's
  script: |
    a
    b
  tab: "a\tb"
  time: '2026-11-29T21:14:20Z'
  'true': true
  version: '1.2.3-a'
  'yes': 'yes'
)");
}

// Texts made of what YAML finds special.
std::string random_text(std::mt19937& random) {
  static const char* const kParts[] = {"a",  " ", ":", "-",    "#",    "\n", "'",   "\"", "{",
                                       "}",  "[", "]", "true", "null", "1",  ".",   "e",  "&",
                                       "*",  "!", "%", "@",    "|",    ">",  "\\",  "\t", "é",
                                       "0x", "~", "?", ",",    "---",  "+",  "yes", "=",  "<<"};
  std::string out;
  for (std::size_t i = random() % 6; i > 0; --i) out += kParts[random() % std::size(kParts)];
  return out;
}
Json random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 0 ? 7 : 5)) {
    case 0:
      return static_cast<std::int64_t>(random()) - 1'000'000;
    case 1:
      return random() % 2 == 0;
    case 2:
      return nullptr;
    case 5: {
      Json out = Json::array();
      for (std::size_t i = random() % 4; i > 0; --i) out.push_back(random_value(random, depth - 1));
      return out;
    }
    case 6: {
      Json out = Json::object();
      for (std::size_t i = random() % 4; i > 0; --i) {
        out[random_text(random)] = random_value(random, depth - 1);
      }
      return out;
    }
    default:
      return random_text(random);
  }
}

TEST(YamlText, ReadsBackAsTheSame) {
  for (std::uint32_t seed = 0; seed < 3000; ++seed) {
    std::mt19937 random(seed);
    const Json value = {{"value", random_value(random, 4)}};
    const std::string text = yaml_text(value);
    const auto back = kube::json_of_yaml(text);
    ASSERT_TRUE(back.ok()) << "seed " << seed << "\n" << text << back.error().message();
    ASSERT_EQ(*back, value) << "seed " << seed << "\n" << text;
  }
}

const char* kTable = R"({"kind":"Table","columnDefinitions":[
  {"name":"Name","priority":0},{"name":"Ready"},{"name":"IP","priority":1},{"name":"Age"}],
  "rows":[{"cells":["a","1/1","10.0.0.1","5m"],"object":{"metadata":{"namespace":"n"}}},
          {"cells":["longer-é",null,"",7],"object":{"metadata":{"namespace":"other"}}}]})";

TEST(TableText, AlignsWhatIsShown) {
  TableText plain({});
  plain.add(J(kTable));
  EXPECT_EQ(plain.take(),
            "NAME       READY    AGE\n"
            "a          1/1      5m\n"
            "longer-é   <none>   7\n");
  EXPECT_EQ(plain.rows(), 2U);
  // A watch goes on in the same columns, without a new head.
  Json more = J(kTable);
  more["columnDefinitions"] = nullptr;
  more["rows"].erase(0);
  plain.add(more);
  EXPECT_EQ(plain.take(), "longer-é   <none>   7\n");

  TableText wide({.wide = true, .namespaces = true, .headers = true, .prefix = "pod/"});
  wide.add(J(kTable));
  EXPECT_EQ(wide.take(),
            "NAMESPACE   NAME           READY    IP         AGE\n"
            "n           pod/a          1/1      10.0.0.1   5m\n"
            "other       pod/longer-é   <none>              7\n");
  TableText list({.headers = false, .prefix = ""});
  list.add(J(R"({"kind":"PodList","items":[{"metadata":{"name":"p"}}]})"));
  EXPECT_EQ(list.take(), "p   \n");
  TableText hostile({.headers = false, .prefix = ""});
  hostile.add(J(R"({"kind":"Table","rows":[{"cells":["a\u001b[2J\nb"]}]})"));
  EXPECT_EQ(hostile.take(), "a [2J b\n") << "no row writes to the terminal what it wants";
}

const char* kDiscovery = R"({"kind":"APIGroupDiscoveryList","items":[
 {"metadata":{},"versions":[{"version":"v1","resources":[
   {"resource":"pods","responseKind":{"kind":"Pod"},"scope":"Namespaced","singularResource":"pod",
    "verbs":["list"],"shortNames":["po"],"categories":["all"]},
   {"resource":"nodes","responseKind":{"kind":"Node"},"scope":"Cluster","singularResource":"node",
    "verbs":["list"],"shortNames":["no"]}]}]},
 {"metadata":{"name":"apps"},"versions":[
   {"version":"v1","resources":[{"resource":"deployments","responseKind":{"kind":"Deployment"},
    "scope":"Namespaced","verbs":["list"],"shortNames":["deploy"],"categories":["all"]}]},
   {"version":"v1beta1","resources":[{"resource":"deployments",
    "responseKind":{"kind":"Deployment"},"scope":"Namespaced","verbs":["list"],
    "categories":["all"]}]}]}]})";

TEST(KindCatalog, WordsAndWhatTheyMean) {
  const KindCatalog catalog = KindCatalog::parse({J(kDiscovery)});
  const auto meant = [&](const char* word) {
    const auto types = catalog.find(word);
    if (!types.ok()) return types.error().message();
    std::string out;
    for (const ResourceType& type : *types) {
      out += type.resource.to_string() + "/" + type.resource.version + " ";
    }
    return out;
  };
  for (const char* word : {"pods", "pod", "po", "Pod", "PODS", "pods.v1"}) {
    EXPECT_EQ(meant(word), "pods/v1 ") << word;
  }
  for (const char* word :
       {"deploy", "Deployment", "deployment", "deployments.apps", "deploy.v1.apps"}) {
    EXPECT_EQ(meant(word), "deployments.apps/v1 ") << word;
  }
  EXPECT_EQ(meant("deployments.v1beta1.apps"), "deployments.apps/v1beta1 ");
  EXPECT_EQ(meant("all"), "pods/v1 deployments.apps/v1 ");
  EXPECT_EQ(meant("dragons"), "the server doesn't have a resource type \"dragons\"");
  EXPECT_EQ(meant("pods.apps"), "the server doesn't have a resource type \"pods.apps\"");
  EXPECT_EQ(catalog.types()[0].label("x"), "pod/x");
  EXPECT_EQ(catalog.types()[2].label("x"), "deployment.apps/x");
  EXPECT_EQ(
      catalog.of_object(J(R"({"apiVersion":"apps/v1","kind":"Deployment"})"))->resource.plural,
      "deployments");
  EXPECT_FALSE(catalog.of_object(J(R"({"apiVersion":"apps/v2","kind":"Deployment"})")));
}

TEST(KindCatalog, ListsOfOlderServers) {
  const KindCatalog catalog =
      KindCatalog::parse({J(R"({"kind":"APIResourceList","groupVersion":"v1","resources":[
         {"name":"pods","singularName":"pod","namespaced":true,"kind":"Pod","shortNames":["po"]},
         {"name":"pods/log","namespaced":true,"kind":"Pod"}]})"),
                          J(R"({"kind":"APIResourceList","groupVersion":"apps/v1","resources":[
         {"name":"deployments","singularName":"","namespaced":true,"kind":"Deployment"}]})")});
  ASSERT_EQ(catalog.types().size(), 2U);
  EXPECT_EQ(catalog.types()[1].resource, kube::Resource("apps", "v1", "deployments"));
  EXPECT_EQ(catalog.types()[1].label("x"), "deployment.apps/x");
  EXPECT_TRUE(catalog.find("po").ok());
}

TEST(Selections, WordsAfterTheCommand) {
  const KindCatalog catalog = KindCatalog::parse({J(kDiscovery)});
  const auto text = [&](const std::vector<std::string>& words) {
    const auto selected = select(catalog, words);
    if (!selected.ok()) return selected.error().message();
    std::string out;
    for (const Selection& each : *selected) {
      out += each.type.resource.plural + ":";
      for (const std::string& name : each.names) out += " " + name;
      out += "; ";
    }
    return out;
  };
  EXPECT_EQ(text({"po"}), "pods:; ");
  EXPECT_EQ(text({"po", "a", "b"}), "pods: a b; ");
  EXPECT_EQ(text({"po,no"}), "pods:; nodes:; ");
  EXPECT_EQ(text({"pod/a", "node/n", "pod/b"}), "pods: a b; nodes: n; ");
  EXPECT_EQ(text({"all"}), "pods:; deployments:; ");
  EXPECT_NE(text({"pod/a", "b"}).find("no slash"), std::string::npos);
  EXPECT_NE(text({"all", "x"}).find("names go with one kind"), std::string::npos);
  EXPECT_NE(text({}).find("name a kind"), std::string::npos);
}

}  // namespace
}  // namespace nacelle::cli
