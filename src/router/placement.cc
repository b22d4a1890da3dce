#include "router/placement.h"

namespace nacelle::router {

Reservation::Reservation(std::shared_ptr<LoadCell> load, std::uint64_t tokens)
    : tokens_(tokens), load_(std::move(load)) {
  load_->requests.fetch_add(1);
  load_->tokens.fetch_add(tokens_);
}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    release();
    tokens_ = other.tokens_;
    load_ = std::move(other.load_);
  }
  return *this;
}

void Reservation::release_tokens() {
  if (load_ != nullptr) load_->tokens.fetch_sub(std::exchange(tokens_, 0));
}

void Reservation::release() {
  if (load_ == nullptr) return;
  release_tokens();
  load_->requests.fetch_sub(1);
  load_.reset();
}

void Placement::on_first_byte() {
  load_.release_tokens();
  prefill_load_.release();
  kept_.reset();
}

void Placement::release() {
  load_.release();
  prefill_load_.release();
}

}  // namespace nacelle::router
