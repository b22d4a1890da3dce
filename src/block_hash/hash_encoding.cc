#include "block_hash/hash_encoding.h"

#include "block_hash/cbor_write.h"

namespace nacelle::block_hash {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put_little_endian(Bytes& out, std::uint64_t value, int num_bytes) {
  for (int i = 0; i < num_bytes; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_text(Bytes& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

// Pickle opcodes that occur here.
constexpr std::uint8_t kProto = 0x80, kFrame = 0x95, kStop = '.', kMemoize = 0x94, kNone = 'N';
constexpr std::uint8_t kInt8 = 'K', kInt16 = 'M', kInt32 = 'J', kShortBytes = 'C';
constexpr std::uint8_t kShortText = 0x8c, kText = 'X', kMark = '(', kTuple = 't', kEmptyTuple = ')';
constexpr std::uint8_t kTuple1 = 0x85;         // then 2 and 3
constexpr std::size_t kHeadBytes = 2 + 1 + 8;  // protocol, frame opcode, frame length
constexpr std::size_t kMinFrameBytes = 4;

void pickle_int(Bytes& out, TokenId value) {
  if (value >= 0 && value <= 0xff) {
    out.push_back(kInt8);
    out.push_back(static_cast<std::uint8_t>(value));
  } else if (value >= 0 && value <= 0xffff) {
    out.push_back(kInt16);
    put_little_endian(out, static_cast<std::uint32_t>(value), 2);
  } else {
    out.push_back(kInt32);
    put_little_endian(out, static_cast<std::uint32_t>(value), 4);
  }
}

void pickle_text(Bytes& out, std::string_view text) {
  if (text.size() < 256) {
    out.push_back(kShortText);
    out.push_back(static_cast<std::uint8_t>(text.size()));
  } else {
    out.push_back(kText);
    put_little_endian(out, text.size(), 4);
  }
  put_text(out, text);
  out.push_back(kMemoize);
}

template <class Items, class PutItem>
void pickle_tuple(Bytes& out, const Items& items, PutItem put_item) {
  if (items.empty()) {
    out.push_back(kEmptyTuple);
    return;
  }
  if (items.size() > 3) out.push_back(kMark);
  for (const auto& item : items) put_item(out, item);
  out.push_back(items.size() > 3 ? kTuple : static_cast<std::uint8_t>(kTuple1 + items.size() - 1));
  out.push_back(kMemoize);
}

void pickle_begin(Bytes& out) { out.assign(kHeadBytes, 0); }

// Bodies below four bytes carry no frame.
void pickle_end(Bytes& out) {
  out.push_back(kStop);
  const std::uint64_t body = out.size() - kHeadBytes;
  out[0] = kProto;
  out[1] = 5;
  if (body < kMinFrameBytes) {
    out.erase(out.begin() + 2, out.begin() + kHeadBytes);
    return;
  }
  out[2] = kFrame;
  for (int i = 0; i < 8; ++i) out[3 + i] = static_cast<std::uint8_t>(body >> (8 * i));
}

}  // namespace

void encode_pickle(std::span<const std::uint8_t> parent, std::span<const TokenId> tokens,
                   const ExtraKeys& extra, std::vector<std::uint8_t>& out) {
  pickle_begin(out);
  out.push_back(kShortBytes);
  out.push_back(static_cast<std::uint8_t>(parent.size()));
  out.insert(out.end(), parent.begin(), parent.end());
  out.push_back(kMemoize);
  pickle_tuple(out, tokens, pickle_int);
  if (extra.empty()) {
    out.push_back(kNone);
  } else {
    pickle_tuple(out, extra, pickle_text);
  }
  out.push_back(kTuple1 + 2);
  out.push_back(kMemoize);
  pickle_end(out);
}

void encode_pickle_text(std::string_view text, std::vector<std::uint8_t>& out) {
  pickle_begin(out);
  pickle_text(out, text);
  pickle_end(out);
}

void encode_cbor(std::span<const std::uint8_t> parent, std::span<const TokenId> tokens,
                 const ExtraKeys& extra, std::vector<std::uint8_t>& out) {
  out.clear();
  // The longest that this many tokens can be, so that a reused buffer soon stops growing.
  constexpr std::size_t kHead = 9;   // of a length or number of 64 bits
  constexpr std::size_t kToken = 5;  // of one of 32
  out.reserve(4 * kHead + parent.size() + tokens.size() * kToken);
  cbor_head(out, CborMajor::kArray, 3);
  cbor_head(out, CborMajor::kByteString, parent.size());
  out.insert(out.end(), parent.begin(), parent.end());
  cbor_head(out, CborMajor::kArray, tokens.size());
  for (const TokenId token : tokens) {
    if (token >= 0) {
      cbor_head(out, CborMajor::kUnsigned, static_cast<std::uint64_t>(token));
    } else {
      cbor_head(out, CborMajor::kNegative, static_cast<std::uint64_t>(-1 - std::int64_t{token}));
    }
  }
  if (extra.empty()) {
    out.push_back(kCborNull);
    return;
  }
  cbor_head(out, CborMajor::kArray, extra.size());
  for (const std::string& key : extra) cbor_text(out, key);
}

void encode_cbor_text(std::string_view text, std::vector<std::uint8_t>& out) {
  out.clear();
  cbor_text(out, text);
}

}  // namespace nacelle::block_hash
