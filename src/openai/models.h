// models.h: the answer of GET /v1/models.
//
// Source:  engine.md section 6.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nacelle::openai {

struct ModelCard {
  std::string id;            // a served name
  std::int64_t created = 0;  // Unix seconds
  std::string root;          // the model's path
  std::int64_t max_model_len = 0;
  std::string permission_id;  // modelperm-<hex>
};

[[nodiscard]] std::string to_json(const std::vector<ModelCard>& cards);

}  // namespace nacelle::openai
