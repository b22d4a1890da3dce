#include "openai/models.h"

#include "openai/json_writer.h"

namespace nacelle::openai {
namespace {

void write_permission(JsonWriter& json, const ModelCard& card) {
  json.begin_object();
  json.key("id").string(card.permission_id);
  json.key("object").string("model_permission");
  json.key("created").integer(card.created);
  json.key("allow_create_engine").boolean(false);
  json.key("allow_sampling").boolean(true);
  json.key("allow_logprobs").boolean(true);
  json.key("allow_search_indices").boolean(false);
  json.key("allow_view").boolean(true);
  json.key("allow_fine_tuning").boolean(false);
  json.key("organization").string("*");
  json.key("group").null();
  json.key("is_blocking").boolean(false);
  json.end_object();
}

}  // namespace

std::string to_json(const std::vector<ModelCard>& cards) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  json.key("object").string("list");
  json.key("data").begin_array();
  for (const ModelCard& card : cards) {
    json.begin_object();
    json.key("id").string(card.id);
    json.key("object").string("model");
    json.key("created").integer(card.created);
    json.key("owned_by").string("vllm");
    json.key("root").string(card.root);
    json.key("parent").null();
    json.key("max_model_len").integer(card.max_model_len);
    json.key("permission").begin_array();
    write_permission(json, card);
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return out;
}

}  // namespace nacelle::openai
