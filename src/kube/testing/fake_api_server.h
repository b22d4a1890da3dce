// fake_api_server.h: lists and watches of a scripted API server, in process, for tests.
//
// Keeps collections by path, gives every write a version, pages lists, and plays changes to
// watches. Objects are created, replaced when their version is right, and deleted, as a real server
// does it; nothing is checked, and there are no patches. A test can shorten the history (410),
// refuse or delay the next requests, break or spoil open watches, and read which requests came.
//
// Home:    everything on the loop of the server; call from tasks that run there.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/event.h"
#include "kube/object.h"
#include "net/testing/server_fixture.h"

namespace nacelle::kube::testing {

class FakeApiServer {
 public:
  FakeApiServer();
  ~FakeApiServer();

  [[nodiscard]] async::Loop& loop() { return fixture_->loop(); }
  [[nodiscard]] std::uint16_t port() const { return fixture_->port(); }

  // On the loop.
  void put(const std::string& collection, Json object);  // metadata.name is needed
  void remove(const std::string& collection, const std::string& name);
  void bookmark(const std::string& collection);
  void forget_history() { oldest_ = version_; }
  // A negative number of times takes back what was ordered.
  void answer_next(int status, std::string body, int times = 1);
  void break_watches();                 // without a proper end
  void end_watches();                   // as a timeout does
  void spoil_watches(std::string raw);  // bytes as they are
  // Null when there is none.
  [[nodiscard]] const Json* object(const std::string& collection, const std::string& name) const;
  [[nodiscard]] std::size_t writes() const { return writes_; }
  [[nodiscard]] const std::vector<std::string>& requests() const { return requests_; }
  [[nodiscard]] std::size_t open_watches() const { return open_watches_; }
  // Pulses at every request and whenever a watch opens or ends.
  [[nodiscard]] async::Event& activity() { return *activity_; }

 private:
  struct Event {
    std::uint64_t version;
    std::string collection;
    std::string line;
  };
  struct Scripted {
    int status;
    std::string body;
  };
  using Collection = std::map<std::string, Json>;

  static async::Task<void> serve(FakeApiServer* self, net::http::ServerExchange& exchange);
  async::Task<void> list(const std::string& path, std::string_view query,
                         net::http::ServerExchange& exchange);
  async::Task<void> write(net::http::ServerExchange& exchange);
  // The status of a write and what it answers.
  [[nodiscard]] std::pair<int, Json> written(const std::string& method, const std::string& path,
                                             Json object);
  async::Task<void> watch(std::string path, std::string_view query,
                          net::http::ServerExchange& exchange);
  void record(const std::string& collection, std::string_view type, const Json& object);

  std::unique_ptr<net::testing::ServerFixture> fixture_;
  std::unique_ptr<async::Event> changed_;
  std::unique_ptr<async::Event> activity_;
  std::map<std::string, Collection> collections_;
  std::vector<Event> history_;
  std::vector<std::string> requests_;
  std::deque<Scripted> scripted_;
  std::uint64_t version_ = 100;
  std::uint64_t oldest_ = 0;
  std::uint64_t break_round_ = 0, end_round_ = 0, spoil_round_ = 0;
  std::string spoil_;
  std::size_t open_watches_ = 0;
  std::size_t writes_ = 0;
  bool closing_ = false;
};

}  // namespace nacelle::kube::testing
