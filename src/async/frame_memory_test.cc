#include "async/frame_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <thread>
#include <vector>

#include "async/async_test_util.h"

namespace nacelle::async {
namespace {

struct Frame {
  unsigned char* bytes;
  std::size_t size;
  unsigned char mark;
};

// Every frame keeps what was written to it until it is freed: no two overlap, whatever the order.
TEST(FrameMemory, FramesNeverOverlap) {
  std::mt19937 random(7);
  std::vector<Frame> alive;
  for (int step = 0; step < 20000; ++step) {
    if (alive.size() < 200 && random() % 2 == 0) {
      const std::size_t size = 1 + random() % (random() % 8 == 0 ? 9000 : 700);
      Frame frame{static_cast<unsigned char*>(frame_memory::allocate(size)), size,
                  static_cast<unsigned char>(random())};
      std::memset(frame.bytes, frame.mark, size);
      alive.push_back(frame);
    } else if (!alive.empty()) {
      std::swap(alive[random() % alive.size()], alive.back());
      const Frame frame = alive.back();
      alive.pop_back();
      for (std::size_t i = 0; i < frame.size; ++i) ASSERT_EQ(frame.bytes[i], frame.mark);
      frame_memory::deallocate(frame.bytes, frame.size);
    }
  }
  for (const Frame& frame : alive) frame_memory::deallocate(frame.bytes, frame.size);
}

TEST(FrameMemory, AFrameIsUsedAgain) {
  if (!frame_memory::kKeep) GTEST_SKIP() << "not under AddressSanitizer";
  void* const first = frame_memory::allocate(300);
  frame_memory::deallocate(first, 300);
  void* const second = frame_memory::allocate(310);  // of the same class
  EXPECT_EQ(second, first);
  frame_memory::deallocate(second, 310);
}

TEST(FrameMemory, AClassKeepsNoMoreThanItsShare) {
  if (!frame_memory::kKeep) GTEST_SKIP() << "not under AddressSanitizer";
  constexpr std::size_t kSize = 4096;
  std::vector<void*> frames;
  for (int i = 0; i < 100; ++i) frames.push_back(frame_memory::allocate(kSize));
  for (void* frame : frames) frame_memory::deallocate(frame, kSize);
  std::size_t kept = 0;
  for (auto* spare = frame_memory::lists.first[kSize / frame_memory::kStep]; spare != nullptr;
       spare = spare->next) {
    ++kept;
  }
  EXPECT_EQ(kept, frame_memory::kSpareBytes / kSize);
}

TEST(FrameMemory, FramesMayEndOnAnotherThread) {
  std::vector<void*> frames;
  for (int i = 0; i < 50; ++i) frames.push_back(frame_memory::allocate(200));
  std::thread([&] {
    for (void* frame : frames) frame_memory::deallocate(frame, 200);
    frame_memory::deallocate(frame_memory::allocate(200), 200);
  }).join();  // gives the other thread's spare frames back
}

}  // namespace
}  // namespace nacelle::async
