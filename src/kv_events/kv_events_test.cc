#include <gtest/gtest.h>

#include <array>
#include <map>
#include <numeric>
#include <sstream>

#include "base/file.h"
#include "kv_events/event_decoder.h"
#include "kv_events/event_encoder.h"
#include "kv_events/msgpack_reader.h"
#include "kv_events/msgpack_writer.h"

namespace nacelle::kv_events {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Kind = MsgpackReader::Kind;

Bytes from_hex(const std::string& hex) {
  Bytes out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  }
  return out;
}

Bytes to_bytes(const std::string& text) { return Bytes(text.begin(), text.end()); }

// tools/goldens/kv_events.py packed these with msgpack-python.
std::map<std::string, Bytes> goldens() {
  auto text = read_file(NACELLE_TESTDATA "/kv_events/golden.txt");
  EXPECT_TRUE(text.ok());
  std::map<std::string, Bytes> out;
  std::istringstream lines(*text);
  for (std::string name, hex; lines >> name >> hex;) out[name] = from_hex(hex);
  return out;
}

std::array<std::uint8_t, 32> digest(std::uint8_t first) {
  std::array<std::uint8_t, 32> out;
  std::iota(out.begin(), out.end(), first);
  return out;
}

TEST(EventEncoder, BytesOfTheGoldens) {
  const auto first = digest(0), second = digest(100);
  const std::vector<TokenId> tokens = {1, 127, 128, 255, 256, 65535, 65536, 128009};
  const std::vector<Digest> both = {first, second}, one = {second}, gone = {first};
  const std::vector<std::string> salt = {"salt"};
  const auto golden = goldens();
  for (const auto form : {EventForm::kMap, EventForm::kArray}) {
    for (const auto hashes : {HashForm::kNumber, HashForm::kBytes}) {
      EventEncoder encoder(form, hashes);
      encoder.begin();
      encoder.stored({.hashes = both, .tokens = tokens, .block_size = 4, .first_keys = salt});
      encoder.stored({.hashes = one,
                      .parent = Digest(first),
                      .tokens = std::span(tokens).first(4),
                      .block_size = 4});
      encoder.removed(gone);
      encoder.all_cleared();
      EXPECT_EQ(encoder.num_events(), 4u);
      const std::string name = std::string(form == EventForm::kMap ? "map" : "array") +
                               (hashes == HashForm::kNumber ? "_numbers" : "_bytes");
      EXPECT_EQ(to_bytes(encoder.finish(1700000000.25, 0)), golden.at(name)) << name;
    }
  }
}

struct Recorder final : EventSink {
  void on_stored(const Stored& event) override {
    line("stored", event.hashes);
    text << " parent " << event.parent.value_or(0) << " tokens";
    for (const TokenId token : event.tokens) text << ' ' << token;
    text << " size " << event.block_size << " medium " << static_cast<int>(event.medium);
    for (const auto key : event.first_extra_keys) text << " key " << key;
    if (!event.lora_name.empty()) text << " lora " << event.lora_name;
    if (event.has_more_extra_keys) text << " more";
    text << '\n';
  }
  void on_removed(const Removed& event) override {
    line("removed", event.hashes);
    text << " medium " << static_cast<int>(event.medium) << '\n';
  }
  void on_all_cleared() override { text << "cleared\n"; }
  void line(const char* what, std::span<const std::uint64_t> hashes) {
    text << what;
    for (const std::uint64_t hash : hashes) text << ' ' << hash;
  }
  std::ostringstream text;
};

std::string decoded(const Bytes& payload, TokenUse tokens = TokenUse::kRead) {
  EventDecoder decoder(tokens);
  Recorder recorder;
  const auto head = decoder.decode(payload, recorder);
  if (!head.ok()) return recorder.text.str() + head.error().to_string();
  return recorder.text.str();
}

TEST(EventDecoder, AllFormsSayTheSame) {
  const auto golden = goldens();
  const std::string want =
      "stored 1736447835066146335 8970465118873813635 parent 0 tokens 1 127 128 255 256 65535 "
      "65536 "
      "128009 size 4 medium 0 key salt\n"
      "stored 8970465118873813635 parent 1736447835066146335 tokens 1 127 128 255 size 4 medium 0\n"
      "removed 1736447835066146335 medium 0\n"
      "cleared\n";
  for (const char* name : {"map_numbers", "map_bytes", "array_numbers", "array_bytes"}) {
    EXPECT_EQ(decoded(golden.at(name)), want) << name;
  }
}

TEST(EventDecoder, OlderAndForeignShapes) {
  const std::pair<const char*, const char*> rows[] = {
      {"older_array_without_lora_name", "stored 1 parent 0 tokens 1 2 size 2 medium 0\n"},
      {"older_array_without_medium", "stored 1 parent 2 tokens 1 2 size 2 medium 0\n"},
      {"no_rank", "cleared\n"},
      {"extra_items", "cleared\n"},
      {"sliding_window_group", ""},
      {"multimodal_keys", "stored 5 parent 0 tokens 1 2 size 2 medium 0 key image-hash\n"},
      {"negative_hash", "removed 18446744073709551614 18446744073709551615 medium 1\n"},
      {"unknown_event", ""},
      {"extension", "cleared\n"},
      {"announces_too_much",
       "invalid_argument: msgpack: more items are announced than bytes follow at byte 15 of 16"},
      {"deep", "invalid_argument: msgpack: nested too deeply at byte 46 of 51"},
      {"empty", "invalid_argument: msgpack: the input ends at byte 0 of 0"},
      {"never_used",
       "invalid_argument: msgpack: more items are announced than bytes follow at byte 1 of 2"},
  };
  for (const auto& [name, want] : rows) {
    auto payload = read_file(std::string(NACELLE_SOURCE_DIR "/fuzz/corpus/kv_events/") + name);
    ASSERT_TRUE(payload.ok()) << name;
    EXPECT_EQ(decoded(to_bytes(*payload)), want) << name;
  }
}

TEST(EventDecoder, TokensCanBeLeftOut) {
  EXPECT_EQ(decoded(goldens().at("map_numbers"), TokenUse::kSkip).find("tokens 1"),
            std::string::npos);
}

TEST(EventDecoder, EveryCutOfAMessageIsAnError) {
  const Bytes payload = goldens().at("map_numbers");
  for (std::size_t size = 0; size < payload.size(); ++size) {
    const Bytes cut(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(decoded(cut).find("invalid_argument"), std::string::npos) << size;
  }
  Bytes longer = payload;
  longer.push_back(0);
  EXPECT_NE(decoded(longer).find("bytes behind the batch"), std::string::npos);
}

// Writes what the reader reads.
void copy_item(MsgpackReader& in, MsgpackWriter& out) {
  switch (in.peek()) {
    case Kind::kNil:
      in.skip();
      return out.nil();
    case Kind::kBool:
      return out.boolean(in.boolean());
    case Kind::kUint:
      return out.uint(in.uint());
    case Kind::kInt:
      return out.integer(in.integer());
    case Kind::kReal:
      return out.real(in.real());
    case Kind::kText:
      return out.text(in.text());
    case Kind::kBinary:
      return out.binary(in.binary());
    case Kind::kArray: {
      const std::uint32_t count = in.array();
      out.array(count);
      for (std::uint32_t i = 0; i < count; ++i) copy_item(in, out);
      return;
    }
    case Kind::kMap: {
      const std::uint32_t count = in.map();
      out.map(count);
      for (std::uint32_t i = 0; i < 2 * count; ++i) copy_item(in, out);
      return;
    }
    default:
      FAIL();
  }
}

TEST(Msgpack, EveryShortestFormAsMsgpackPythonWritesIt) {
  const Bytes golden = goldens().at("edges");
  MsgpackReader in(golden);
  std::string copy;
  MsgpackWriter out(copy);
  copy_item(in, out);
  EXPECT_TRUE(in.ok() && in.at_end()) << in.status().to_string();
  EXPECT_EQ(to_bytes(copy), golden);
}

TEST(Msgpack, WrongKindsAreErrorsThatStay) {
  const Bytes text = {0xa1, 'x'};
  MsgpackReader in(text);
  EXPECT_EQ(in.uint(), 0u);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.text(), "");
  EXPECT_EQ(in.status().message(),
            "msgpack: expected a number that is not negative at byte 1 of 2");
}

}  // namespace
}  // namespace nacelle::kv_events
