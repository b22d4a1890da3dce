#include "async/frame_memory.h"

#include <algorithm>

namespace nacelle::async::frame_memory {

constinit thread_local Lists lists{};

namespace {

enum class State : std::uint8_t { kNew, kOpen, kClosed };
constinit thread_local State state = State::kNew;

// Frees a thread's spare frames when it ends. Frames that end later still are not kept.
struct Closer {
  ~Closer() {
    state = State::kClosed;
    for (std::size_t i = 0; i < std::size(lists.first); ++i) {
      lists.room[i] = 0;
      while (Spare* const spare = lists.first[i]) {
        lists.first[i] = spare->next;
        ::operator delete(spare);
      }
    }
  }
};

}  // namespace

void keep_slowly(void* frame, std::size_t size_class) {
  if (state != State::kNew) return ::operator delete(frame);  // full, or the thread is ending
  state = State::kOpen;
  thread_local Closer closer;
  for (std::size_t i = 1; i < std::size(lists.room); ++i) {
    lists.room[i] = static_cast<std::uint16_t>(std::max<std::size_t>(4, kSpareBytes / (i * kStep)));
  }
  --lists.room[size_class];
  lists.first[size_class] = ::new (frame) Spare{lists.first[size_class]};
}

}  // namespace nacelle::async::frame_memory
