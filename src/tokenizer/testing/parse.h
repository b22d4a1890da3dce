// parse.h: JSON text to JsonNode for tests; the parser lives as long as the object.
#pragma once

#include <gtest/gtest.h>

#include "tokenizer/json/json_node.h"

namespace nacelle::tokenizer {

class ParsedJson {
 public:
  explicit ParsedJson(const std::string& text) {
    EXPECT_EQ(parser_.parse(text).get(element_), simdjson::SUCCESS) << text;
  }
  [[nodiscard]] JsonNode node(std::string path = "") const { return {element_, std::move(path)}; }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element element_;
};

}  // namespace nacelle::tokenizer
