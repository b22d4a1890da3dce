#include "router/handler/data_parallel/data_parallel.h"

#include "router/handler/disagg/disagg.h"

namespace nacelle::router {

std::shared_ptr<Plugin> DataParallelProfileHandler::make(Fields& fields, BuildContext& context) {
  std::uint16_t port = 8000;
  fields.count("primaryPort", port, 1, 65535);
  if (context.profiles().size() > 1) {
    fields.problem("", fmt::format("there are {} profiles; this handler runs only one",
                                   context.profiles().size()));
  }
  return std::make_shared<DataParallelProfileHandler>(port);
}

std::optional<std::uint32_t> DataParallelProfileHandler::next(const PickContext& context) const {
  if (context.decision.results[0].state != ProfileResult::State::kNotRun) return std::nullopt;
  return 0;
}

void DataParallelProfileHandler::finish(const PickContext& context, Decision& decision) const {
  decision.primary = 0;
  if (!decision.results[0].done()) return;
  decision.remove_headers.emplace_back(kDataParallelHeader);
  decision.set_headers.push_back({std::string(kDataParallelHeader),
                                  context.endpoint(decision.targets().front().position).address});
  decision.destination_port = primary_port_;
}

}  // namespace nacelle::router
