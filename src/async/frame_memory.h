// frame_memory.h: coroutine frames come from lists of their size, one set per thread.
//
// A forwarded request runs through some thirty frames. Asio by itself keeps two spare ones per
// thread, none above 1 KiB, so most would be malloc and free. This replaces that choice for every
// Task; task.h includes it before the first coroutine is made.
//
// Home:    the calling thread. A frame may end on another thread than it began on: it joins the
//          lists of the thread where it ends.
// Bounds:  kSpareBytes per size class and thread; larger frames are not kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#include <boost/asio/detail/thread_info_base.hpp>

namespace nacelle::async::frame_memory {

inline constexpr std::size_t kStep = 64;
inline constexpr std::size_t kMaxBytes = 4096;
inline constexpr std::size_t kSpareBytes = 64 * 1024;

struct Spare {
  Spare* next;
};

// The first spare frame of each size and how many more fit. Class i holds frames of i * kStep
// bytes. A thread that has not freed a frame yet has room for none, which sends it to keep_slowly()
// once.
struct Lists {
  Spare* first[kMaxBytes / kStep + 1];
  std::uint16_t room[kMaxBytes / kStep + 1];
};
extern constinit thread_local Lists lists;

void keep_slowly(void* frame, std::size_t size_class);

// Under AddressSanitizer every frame is a block of its own, so that a use after its end is seen.
#ifdef __SANITIZE_ADDRESS__
inline constexpr bool kKeep = false;
#else
inline constexpr bool kKeep = true;
#endif

inline void* allocate(std::size_t size) {
  const std::size_t size_class = (size + kStep - 1) / kStep;
  if (!kKeep || size > kMaxBytes) return ::operator new(size);
  Spare* const spare = lists.first[size_class];
  if (spare == nullptr) return ::operator new(size_class* kStep);
  lists.first[size_class] = spare->next;
  ++lists.room[size_class];
  return spare;
}

inline void deallocate(void* frame, std::size_t size) {
  const std::size_t size_class = (size + kStep - 1) / kStep;
  if (!kKeep || size > kMaxBytes) return ::operator delete(frame);
  if (lists.room[size_class] == 0) return keep_slowly(frame, size_class);
  --lists.room[size_class];
  lists.first[size_class] = ::new (frame) Spare{lists.first[size_class]};
}

}  // namespace nacelle::async::frame_memory

namespace boost::asio::detail {

template <>
inline void* thread_info_base::allocate<thread_info_base::awaitable_frame_tag>(awaitable_frame_tag,
                                                                               thread_info_base*,
                                                                               std::size_t size,
                                                                               std::size_t) {
  return nacelle::async::frame_memory::allocate(size);
}

template <>
inline void thread_info_base::deallocate<thread_info_base::awaitable_frame_tag>(awaitable_frame_tag,
                                                                                thread_info_base*,
                                                                                void* frame,
                                                                                std::size_t size) {
  nacelle::async::frame_memory::deallocate(frame, size);
}

}  // namespace boost::asio::detail
