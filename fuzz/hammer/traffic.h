// traffic.h: what clients of all sorts send on one connection: valid requests, requests that
// smuggle, and mutations of both, over HTTP/1.1 and HTTP/2.
//
// Home:    one thread. Deterministic: the same seed makes the same connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace nacelle::hammer {

struct Traffic {
  std::string bytes;
  std::size_t requests = 0;  // messages or HTTP/2 streams that it was made of
  bool http2 = false;
};

class TrafficMaker {
 public:
  // `corpus`: heads that begin a connection of their own.
  TrafficMaker(std::uint64_t seed, std::vector<std::string> corpus)
      : random_(seed), corpus_(std::move(corpus)) {}

  [[nodiscard]] Traffic next();
  // In [0, bound).
  [[nodiscard]] std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  [[nodiscard]] Traffic http1();
  [[nodiscard]] Traffic http2();
  [[nodiscard]] std::string request();
  [[nodiscard]] std::string body();
  [[nodiscard]] std::string chunked(const std::string& body);
  [[nodiscard]] std::string stream(std::uint32_t id);
  void mutate(std::string& bytes);
  template <std::size_t N>
  const char* one_of(const char* const (&list)[N]) {
    return list[below(N)];
  }

  std::mt19937_64 random_;
  const std::vector<std::string> corpus_;
};

}  // namespace nacelle::hammer
