#include "router/producer/token/token.h"

namespace nacelle::router {
namespace {

// Parameters for images and video are read for their form; text has no use for them.
void read_estimate(Fields& fields) {
  double number = 0;
  std::string text;
  const auto resolution = [&](Fields& inner) {
    inner.number("width", number, 1, 1e6);
    inner.number("height", number, 1, 1e6);
  };
  fields.object("image", [&](Fields& image) {
    image.choice("mode", text, {{"dynamic", std::string()}, {"static", std::string()}});
    image.object("defaultResolution", resolution);
    image.object("dynamic", [&](Fields& inner) { inner.number("factor", number, 1, 1e9); });
    image.object("static", [&](Fields& inner) { inner.number("staticToken", number, 0, 1e9); });
  });
  fields.object("video", [&](Fields& video) {
    video.object("defaultResolution", resolution);
    video.number("defaultDuration", number, 0, 1e6);
    video.number("maxVideoTokens", number, 0, 1e9);
    video.object("tokensPerFrame", [&](Fields& frame) {
      frame.choice("mode", text, {{"dynamic", std::string()}, {"static", std::string()}});
      frame.object("dynamic", [&](Fields& inner) { inner.number("factor", number, 1, 1e9); });
      frame.object("static",
                   [&](Fields& inner) { inner.number("numTokensPerFrame", number, 0, 1e9); });
    });
    video.object("frames", [&](Fields& frames) {
      frames.choice("mode", text, {{"sampled", std::string()}, {"strided", std::string()}});
      frames.number("minFrames", number, 0, 1e6);
      frames.number("maxFrames", number, 0, 1e6);
      frames.object("sampled", [&](Fields& inner) {
        inner.number("sampleFPS", number, 0, 1000);
        inner.number("temporalPatchSize", number, 0, 1000);
      });
      frames.object("strided", [&](Fields& inner) {
        inner.number("defaultSourceFPS", number, 0, 1000);
        inner.number("frameStride", number, 0, 1e6);
      });
    });
  });
}

}  // namespace

std::shared_ptr<Plugin> TokenProducer::make(Fields& fields, BuildContext&) {
  TokenProducerConfig config;
  fields.text("modelName", config.model);
  fields.text("modelPath", config.model_path);
  fields.text("chatTemplate", config.chat_template);
  fields.object("estimate", [&](Fields& estimate) { read_estimate(estimate); });
  if (fields.has("vllm")) {
    config.backend = TokenProducerConfig::Backend::kVllm;
    if (fields.has("estimate")) fields.problem("vllm", "estimate is set too; choose one");
    fields.object("vllm", [&](Fields& vllm) {
      vllm.text("url", config.vllm_url);
      vllm.text("http", config.vllm_url);
      vllm.duration("timeout", config.vllm_timeout);
      vllm.ignored("mmTimeout");
    });
    fields.warn(
        "vllm",
        config.model_path.empty() && config.model.empty()
            ? "no effect: no engine is asked to tokenise; prompts are taken as four bytes a "
              "token, or modelPath names a folder with tokenizer.json"
            : "no effect: no engine is asked to tokenise; it is done here where modelPath or "
              "modelName is a folder with tokenizer.json, else four bytes are a token");
  }
  if (fields.has("udsTokenizerConfig")) {
    fields.problem("udsTokenizerConfig",
                   "not supported: the tokenizer over a Unix socket; use vllm or estimate");
  }
  return std::make_shared<TokenProducer>(std::move(config));
}

}  // namespace nacelle::router
