#include "provider/embeddings/embeddings_codec.h"

namespace nacelle::provider::embeddings {

namespace {

using json::Json;

Json titan_request(const Json& body, const std::string& input) {
  Json out{{"inputText", input}};
  json::copy_member(body, "dimensions", out, "dimensions");
  return out;
}

Json predict_request(const Json& body, const std::vector<std::string>& inputs) {
  Json instances = Json::array();
  for (const std::string& input : inputs) {
    Json instance{{"content", input}};
    json::copy_member(body, "task_type", instance, "task_type");
    instances.push_back(std::move(instance));
  }
  Json parameters = Json::object();
  json::copy_member(body, "dimensions", parameters, "outputDimensionality");
  json::copy_member(body, "auto_truncate", parameters, "autoTruncate");
  return {{"instances", std::move(instances)}, {"parameters", std::move(parameters)}};
}

Json embed_content_request(const Json& body, const std::string& input) {
  Json out;
  out["content"]["parts"] = Json::array({{{"text", input}}});
  json::copy_member(body, "task_type", out, "taskType");
  json::copy_member(body, "dimensions", out, "outputDimensionality");
  json::copy_member(body, "auto_truncate", out, "autoTruncate");
  return out;
}

// The vectors of an answer in order; where one has no name, a null that is no list.
const Json& vector_of(const Json* holder, std::string_view name) {
  static const Json kNone;
  const Json* vector = holder == nullptr ? nullptr : json::member(*holder, name);
  return vector == nullptr ? kNone : *vector;
}

}  // namespace

EmbeddingsCodec::EmbeddingsCodec(Schema schema, Context context)
    : schema_(schema), context_(std::move(context)) {}

Result<Json> EmbeddingsCodec::request(const Json& body, const RequestFacts& facts) {
  response_model_ = facts.model;
  ASSIGN_OR_RETURN(question_, read_question(body));
  if (schema_ == Schema::kGcpVertexAi)
    form_ = uses_embed_content(facts.model) ? Form::kEmbedContent : Form::kPredict;
  if (form_ == Form::kPredict) return predict_request(body, question_.inputs);
  if (question_.inputs.size() > 1) {
    return unimplemented("input: this backend embeds one text a request, not {}",
                         question_.inputs.size());
  }
  return form_ == Form::kTitan ? titan_request(body, question_.inputs.front())
                               : embed_content_request(body, question_.inputs.front());
}

Result<Json> EmbeddingsCodec::answer(const Json& upstream) {
  std::vector<const Json*> vectors;
  usage_.reported = true;
  if (form_ == Form::kTitan) {
    vectors.push_back(&vector_of(&upstream, "embedding"));
    usage_.input = json::count_member(upstream, "inputTextTokenCount");
  } else if (form_ == Form::kEmbedContent) {
    vectors.push_back(&vector_of(json::object_member(upstream, "embedding"), "values"));
    if (const Json* usage = json::object_member(upstream, "usageMetadata"))
      usage_.input = json::count_member(*usage, "promptTokenCount");
  } else if (const Json* predictions = json::array_member(upstream, "predictions")) {
    for (const Json& prediction : *predictions) {
      const Json* embeddings = json::object_member(prediction, "embeddings");
      vectors.push_back(&vector_of(embeddings, "values"));
      const Json* statistics =
          embeddings == nullptr ? nullptr : json::object_member(*embeddings, "statistics");
      if (statistics != nullptr) usage_.input += json::count_member(*statistics, "token_count");
    }
  }
  const std::string& model =
      context_.client_model.empty() ? response_model_ : context_.client_model;
  return make_answer(question_, vectors, model, usage_);
}

Status EmbeddingsCodec::event(std::string_view, std::string_view, std::string&) {
  return data_loss("the backend answered embeddings with a stream");
}

Status EmbeddingsCodec::end(std::string&) { return {}; }

}  // namespace nacelle::provider::embeddings
