// GET /version, GET /load, GET /v1/models.
#include "openai/json_writer.h"
#include "openai/models.h"
#include "serve/endpoints/endpoints.h"

namespace nacelle::serve {

async::Task<void> get_version(ServerState& state, Call& call) {
  std::string body;
  openai::JsonWriter json(body);
  json.begin_object();
  json.key("version").string(state.config.version);
  json.end_object();
  return call.reply_json(std::move(body));
}

async::Task<void> get_load(ServerState& state, Call& call) {
  std::string body;
  openai::JsonWriter json(body);
  json.begin_object();
  json.key("server_load").integer(state.load);
  json.end_object();
  return call.reply_json(std::move(body));
}

async::Task<void> get_models(ServerState& state, Call& call) {
  const std::int64_t now = unix_seconds();
  std::vector<openai::ModelCard> cards;
  for (const std::string& name : state.config.served_model_names) {
    cards.push_back({.id = name,
                     .created = now,
                     .root = state.config.model_path,
                     .max_model_len = state.config.max_model_len,
                     .permission_id = "modelperm-" + random_hex_id()});
  }
  return call.reply_json(openai::to_json(cards));
}

}  // namespace nacelle::serve
