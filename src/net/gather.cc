#include "net/gather.h"

namespace nacelle::net {

void Gather::consume(std::size_t count) {
  total_ -= count;
  while (count > 0) {
    iovec& piece = pieces_[begin_];
    if (count < piece.iov_len) {
      piece.iov_base = static_cast<char*>(piece.iov_base) + count;
      piece.iov_len -= count;
      return;
    }
    count -= piece.iov_len;
    ++begin_;
  }
}

}  // namespace nacelle::net
