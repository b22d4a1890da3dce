// address_ask.h: an address that a status would publish, and whether anything answers there.
//
// Decisions name what they want to know, as values; a shell asks (kube/address_prober.h) and hands
// back what it heard. An answer needs no model: it is the list of models, or, where that would wake
// a service without replicas or where the route takes other requests only, whatever the gateway
// says to OPTIONS *.
//
// Home:    values.
#pragma once

#include <cstdint>
#include <string>

namespace nacelle::control {

struct AddressAsk {
  std::string url;         // what is published; an answer is known by it
  std::string host;        // that is connected to
  std::uint16_t port = 0;  // 0: nobody can ask
  std::string authority;   // host and port of the URL
  bool tls = false;
  std::string path;         // of a GET
  bool any_answer = false;  // OPTIONS *; whoever answers HTTP has answered

  friend bool operator==(const AddressAsk&, const AddressAsk&) = default;
};

struct AddressAnswer {
  bool answered = false;
  std::string message;  // what was heard instead: "GET http://...: 503"

  friend bool operator==(const AddressAnswer&, const AddressAnswer&) = default;
};

}  // namespace nacelle::control
