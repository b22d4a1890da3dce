// node_logs.h: logs of containers for the API server, from the nodes of this process.
//
// A query comes on a loop of the API server, is answered by the node's agent on its loop, and the
// files are then read on the loop of the query. Following looks at the file every kPoll.
//
// Home:    open() and the streams on any loop, a stream on the one of its query; attach() and
//          detach() on the agents' loop.
// Errors:  not_found: no node here has the pod; unavailable: its node is lost or the nodes are
//          being stopped; those of NodeAgent::logs().
// Bounds:  kPieceBytes per piece.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "async/loop.h"
#include "control/kube/node/source_door.h"
#include "control/local/node/log_reader.h"
#include "control/local/node/node_agent.h"
#include "kube/api_server.h"

namespace nacelle::control::node {

// What the logs ask of the nodes, on the agents' loop.
class LogSource {
 public:
  virtual ~LogSource() = default;
  struct Opened {
    LogReader reader;
    std::string uid, container;
    std::uint32_t run = 0;  // restarts of the container: what is followed ends with its run
  };
  [[nodiscard]] virtual Result<Opened> open_log(const kube::PodLogQuery& query) = 0;
  // False when that run has ended: read once more, then close.
  [[nodiscard]] virtual bool log_goes_on(const std::string& uid, const std::string& container,
                                         std::uint32_t run) = 0;
};

class NodeLogs final : public kube::PodLogs {
 public:
  static constexpr Duration kPoll = 100ms;
  static constexpr std::size_t kPieceBytes = 64 * 1024;

  [[nodiscard]] async::Task<Result<std::unique_ptr<kube::PodLogStream>>> open(
      async::Loop& loop, kube::PodLogQuery query) override;

  // `source` answers on `loop` until detach().
  void attach(async::Loop& loop, LogSource& source) { door_->attach(loop, source); }
  // Streams that follow end. Nothing is asked of the source any more.
  void detach() { door_->detach(); }

 private:
  std::shared_ptr<SourceDoor<LogSource>> door_ = std::make_shared<SourceDoor<LogSource>>();
};

}  // namespace nacelle::control::node
