#include "gateway/ai/models/model_catalogue.h"

#include <gtest/gtest.h>

namespace nacelle::gateway::ai {
namespace {

using Map = std::map<std::string, std::string>;

std::string ids(const ModelCatalogue& catalogue, std::string_view host) {
  std::string out;
  for (const ModelEntry& model : catalogue.models_for(host)) out += model.id + " ";
  return out;
}

TEST(ModelCatalogue, HostsScopeTheList) {
  const ModelCatalogue catalogue({{.id = "open"},
                                  {.id = "exact", .hostnames = {"a.example.com"}},
                                  {.id = "wild", .hostnames = {"*.example.com"}}},
                                 ModelAliases(Map{{"nick", "wild"}, {"lost", "nothing"}}));
  EXPECT_EQ(ids(catalogue, "other.org"), "open ");
  EXPECT_EQ(ids(catalogue, "A.Example.com:8080"), "exact open ");
  EXPECT_EQ(ids(catalogue, "b.example.com"), "nick open wild ");
  EXPECT_EQ(ids(catalogue, "b.c.example.com"), "open ") << "the star spans one label";
  EXPECT_EQ(ids(catalogue, "[::1]:80"), "open ");
  EXPECT_EQ(ids(catalogue, ""), "open ");
}

TEST(ModelCatalogue, AnthropicList) {
  const ModelCatalogue empty({}, ModelAliases(Map{}));
  EXPECT_EQ(empty.anthropic_list(""),
            R"({"data":[],"has_more":false,"first_id":null,"last_id":null})");
  const ModelCatalogue one({{.id = "m", .created = 1700000000}}, ModelAliases(Map{}));
  EXPECT_EQ(
      one.anthropic_list(""),
      R"({"data":[{"id":"m","type":"model","display_name":"m",)"
      R"("created_at":"2023-11-14T22:13:20Z"}],"has_more":false,"first_id":"m","last_id":"m"})");
}

TEST(ModelAliases, ChainsAndCycles) {
  const ModelAliases chain(Map{{"a", "b"}, {"b", "c"}});
  EXPECT_EQ(chain.resolve("a"), "c");
  EXPECT_EQ(chain.resolve("x"), "x");
  EXPECT_EQ(chain.first_cycle(), std::nullopt);
  EXPECT_EQ(ModelAliases(Map{{"a", "b"}, {"b", "a"}}).first_cycle(), "a");
  EXPECT_EQ(ModelAliases(Map{{"a", "a"}}).first_cycle(), "a");
}

}  // namespace
}  // namespace nacelle::gateway::ai
