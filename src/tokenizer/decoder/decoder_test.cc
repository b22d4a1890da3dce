#include "tokenizer/decoder/decoder.h"

#include <gtest/gtest.h>

#include "tokenizer/testing/parse.h"

namespace nacelle::tokenizer {
namespace {

using Tokens = std::vector<std::string>;

std::string decode(const Decoder& decoder, const Tokens& tokens, ByteMode mode = ByteMode::kExact) {
  DecodeStream stream(decoder, mode);
  for (const std::string& token : tokens) stream.push(token);
  stream.finish();
  return stream.take();
}

// What take() gives after each token and after finish().
Tokens parts(const Decoder& decoder, const Tokens& tokens) {
  DecodeStream stream(decoder, ByteMode::kEager);
  Tokens out;
  for (const std::string& token : tokens) {
    stream.push(token);
    out.push_back(stream.take());
  }
  stream.finish();
  out.push_back(stream.take());
  return out;
}

Decoder make(const std::string& json) {
  const ParsedJson parsed(json);
  auto decoder = make_decoder(parsed.node());
  EXPECT_TRUE(decoder.ok()) << decoder.error().to_string();
  return decoder.ok() ? *std::move(decoder) : Decoder();
}

const std::string kLlama = R"({"type":"Sequence","decoders":[
    {"type":"Replace","pattern":{"String":"▁"},"content":" "},
    {"type":"ByteFallback"},{"type":"Fuse"},
    {"type":"Strip","content":" ","start":1,"stop":0}]})";

TEST(Decoder, EachKind) {
  struct Row {
    const char* what;
    std::string json;
    Tokens tokens;
    const char* text;
  };
  const Row rows[] = {
      {"ByteLevel", R"({"type":"ByteLevel"})", {"Hi", "Ġé", "Ã", "©"}, "Hi \xEF\xBF\xBD\xC3\xA9"},
      {"ByteLevel, token outside the alphabet", R"({"type":"ByteLevel"})", {"a b", "Ġ"}, "a b "},
      {"ByteFallback", R"({"type":"ByteFallback"})", {"a", "<0xC3>", "<0xA9>", "b"}, "aéb"},
      {"ByteFallback judges a run as one",
       R"({"type":"ByteFallback"})",
       {"<0xC3>", "<0xA9>", "<0xFF>"},
       "\uFFFD\uFFFD\uFFFD"},
      {"ByteFallback leaves what is no byte",
       R"({"type":"ByteFallback"})",
       {"<0xZZ>", "<0x1>", "<0x+F>"},
       "<0xZZ><0x1>\x0F"},
      {"Fuse", R"({"type":"Fuse"})", {"a", "b"}, "ab"},
      {"Strip",
       R"({"type":"Strip","content":"_","start":1,"stop":1})",
       {"__a_b__", "_", "x_"},
       "_a_b_x"},
      {"Replace",
       R"({"type":"Replace","pattern":{"String":"ab"},"content":"-"})",
       {"abab", "a", "b"},
       "--ab"},
      {"Replace regex",
       R"({"type":"Replace","pattern":{"Regex":"[ab]+"},"content":"-"})",
       {"abxa"},
       "-x-"},
      {"Metaspace",
       R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always"})",
       {"▁▁a", "▁b", "c▁"},
       "a bc "},
      {"Metaspace never", R"({"type":"Metaspace","prepend_scheme":"never"})", {"▁a", "▁b"}, " a b"},
      {"WordPiece",
       R"({"type":"WordPiece","prefix":"##","cleanup":true})",
       {"un", "##able", ",", "do", "n't"},
       "unable, don't"},
      {"WordPiece without cleanup",
       R"({"type":"WordPiece","prefix":"##","cleanup":false})",
       {"a", ",", "##b"},
       "a ,b"},
      {"BPEDecoder", R"({"type":"BPEDecoder","suffix":"</w>"})", {"a", "b</w>", "c</w>"}, "ab c"},
      {"Llama 2", kLlama, {"▁Hello", "▁", "<0xE2>", "<0x82>", "<0xAC>", "▁x"}, "Hello € x"},
      {"an empty Sequence joins", R"({"type":"Sequence","decoders":[]})", {"a", "b"}, "ab"},
  };
  for (const Row& row : rows) EXPECT_EQ(decode(make(row.json), row.tokens), row.text) << row.what;
  EXPECT_EQ(decode(Decoder(), {"a", "b"}), "a b");
}

TEST(Decoder, StreamsWhatIsDecided) {
  EXPECT_EQ(parts(make(R"({"type":"ByteLevel"})"), {"ĠHi", "Ã", "©", "ð", "Ł"}),
            (Tokens{" Hi", "", "é", "", "", "\uFFFD"}));
  EXPECT_EQ(parts(make(kLlama), {"▁a", "▁b", "<0xC3>", "<0xA9>", "▁"}),
            (Tokens{"a", " b", "", "é", " ", ""}));
  EXPECT_EQ(parts(make(kLlama), {"<0xC3>", "▁a"}), (Tokens{"", "\uFFFD a", ""}));
  EXPECT_EQ(parts(make(R"({"type":"WordPiece"})"), {"a", "##b", "c"}),
            (Tokens{"a", "b", " c", ""}));
  EXPECT_EQ(parts(make(R"({"type":"Sequence","decoders":[{"type":"Fuse"},
      {"type":"Strip","content":"_","start":2,"stop":1}]})"),
                  {"_", "_", "_a", "__", "b_"}),
            (Tokens{"", "", "_a", "_", "_b", ""}));
}

TEST(Decoder, RawBytes) {
  EXPECT_EQ(decode(make(R"({"type":"ByteLevel"})"), {"Ã"}, ByteMode::kRaw), "\xC3");
  EXPECT_EQ(decode(make(kLlama), {"<0xE2>"}, ByteMode::kRaw), "\xE2");
}

TEST(Decoder, SaysWhatIsWrong) {
  struct Row {
    const char *json, *message;
  };
  const Row rows[] = {
      {R"({"type":"CTC"})", "d: unknown decoder \"CTC\""},
      {R"({"type":"Strip","content":"ab"})", "d.content: expected one character"},
      {R"({"type":"Strip","content":"a","start":-1})", "d.start: -1 is outside"},
      {R"({"type":"Replace","content":"a"})", "d.pattern: missing"},
      {R"({"type":"Sequence","decoders":[{"type":"BPEDecoder","suffix":1}]})",
       "d.decoders[0].suffix: expected"},
  };
  for (const Row& row : rows) {
    const ParsedJson json(row.json);
    const auto decoder = make_decoder(json.node("d"));
    ASSERT_FALSE(decoder.ok()) << row.json;
    EXPECT_NE(decoder.error().message().find(row.message), std::string::npos)
        << decoder.error().message();
  }
}

}  // namespace
}  // namespace nacelle::tokenizer
