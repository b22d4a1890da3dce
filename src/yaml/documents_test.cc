#include "yaml/documents.h"

#include <gtest/gtest.h>

namespace nacelle::yaml {
namespace {

std::string texts(std::string_view yaml) {
  const auto documents = load_documents(yaml, 8);
  if (!documents.ok()) return "error";
  std::string out;
  for (const Document& document : *documents) out += YAML::Dump(document.root) + ";";
  return out;
}

TEST(YamlDocuments, AreCutAtTheirMarkers) {
  EXPECT_EQ(texts(""), "");
  EXPECT_EQ(texts("# nothing\n---\n\n"), "");
  EXPECT_EQ(texts("a: 1"), "a: 1;");
  EXPECT_EQ(texts("---\na: 1\n---\nb: 2\n...\n---\r\nc: 3\r\n"), "a: 1;b: 2;c: 3;");
  EXPECT_EQ(texts("%YAML 1.2\n---\na: 1\n"), "a: 1;");
  EXPECT_EQ(texts("--- {a: 1}\n--- {b: 2}\n"), "{a: 1};{b: 2};");
  EXPECT_EQ(texts("a: |\n  ---\n  x\n---\nb: 1"), "a: \"---\\nx\\n\";b: 1;");
  EXPECT_EQ(texts("a: -----\n-----: b\n"), "a: -----\n-----: b;") << "no marker";
}

// Streams that yaml-cpp's LoadAll never comes back from, or takes in part.
TEST(YamlDocuments, LeftoversAreErrors) {
  for (const char* yaml : {"a: 1\n]\n", "{a: 1} }", "[a] b: c", "a: [", "a: 1\n b: 2\n", "}"}) {
    EXPECT_EQ(texts(yaml), "error") << yaml;
  }
}

TEST(YamlDocuments, LinesAreThoseOfTheStream) {
  const auto documents = load_documents("# x\na: 1\n---\n\nb: 2\n...\n# y\nc: 3\n", 8);
  ASSERT_TRUE(documents.ok());
  std::vector<std::size_t> lines;
  for (const Document& document : *documents) {
    lines.push_back(document.first_line + static_cast<std::size_t>(document.root.Mark().line) + 1);
  }
  EXPECT_EQ(lines, (std::vector<std::size_t>{2, 5, 8}));
  const auto broken = load_documents("a: 1\n---\nb: 2\nc: [\n", 8);
  EXPECT_EQ(broken.status().message().substr(0, 17), "line 5: not YAML:")
      << broken.status().message();
}

TEST(YamlDocuments, NumberIsBounded) {
  std::string many;
  for (int i = 0; i < 9; ++i) many += "---\na: 1\n";
  EXPECT_EQ(texts(many), "error");
}

}  // namespace
}  // namespace nacelle::yaml
