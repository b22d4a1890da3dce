// serve_process.h: the parts of one serving process, built in order and taken down in reverse.
//
//   port bound -> tokenizer, template, generation config -> weights -> KV memory -> engine ->
//   answering
//
// Home:    start() on the main thread; drain() on loop 0.
// Errors:  start() says what is wrong with the model folder, the port or the memory.
#pragma once

#include <memory>
#include <optional>

#include "apps/nacelle/serve_options.h"
#include "async/runtime.h"
#include "async/signals.h"
#include "async/work_pool.h"
#include "chat_template/chat_template.h"
#include "engine/engine.h"
#include "kernels/worker_pool.h"
#include "model/causal_lm.h"
#include "model/generation_config.h"
#include "net/tls/reloader.h"
#include "serve/server.h"
#include "tokenizer/tokenizer.h"

namespace nacelle::apps {

class ServeProcess {
 public:
  // The runtime must run and outlive the process object.
  [[nodiscard]] static Result<std::unique_ptr<ServeProcess>> start(async::Runtime& runtime,
                                                                   ServeOptions options);

  // Finishes what runs until the timeout, aborts the rest; a second signal forces. Returns the exit
  // code.
  [[nodiscard]] async::Task<int> drain(int signal, async::TerminationSignals* signals);

 private:
  explicit ServeProcess(ServeOptions options) : options_(std::move(options)) {}

  [[nodiscard]] Status load_certificates();
  [[nodiscard]] Status load_text_side();
  [[nodiscard]] Status start_kernel_threads();
  [[nodiscard]] Result<std::unique_ptr<model::CausalLm>> load_model();
  // Needs the tokenizer.
  [[nodiscard]] Status start_engine(std::unique_ptr<model::CausalLm> model);
  void resolve_defaults(const model::GenerationConfig& generation);
  [[nodiscard]] std::optional<std::string> fingerprint() const;
  void report_progress(double share) const;

  ServeOptions options_;
  std::unique_ptr<net::TlsReloader> tls_;  // null = plain HTTP
  std::unique_ptr<serve::OpenAiServer> server_;
  std::shared_ptr<const tokenizer::Tokenizer> tokenizer_;
  std::shared_ptr<const chat_template::ChatTemplate> template_, tool_template_;
  std::unique_ptr<kernels::WorkerPool> kernel_pool_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<async::WorkPool> work_pool_;
};

}  // namespace nacelle::apps
