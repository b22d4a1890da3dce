#include "model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "model/testing/safetensors_writer.h"
#include "model/testing/tiny_model.h"

namespace nacelle::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::safetensors_file;

Result<SafetensorsFile::Layout> read(const std::string& file) {
  return SafetensorsFile::read_layout(std::as_bytes(std::span(file.data(), file.size())),
                                      "m/model.safetensors");
}

TEST(Safetensors, ReadsTensorsInTheOrderOfTheirData) {
  const auto layout =
      read(safetensors_file(R"({"__metadata__":{"format":"pt"},)"
                            R"("b":{"dtype":"BF16","shape":[2,3],"data_offsets":[8,20]},)"
                            R"("a":{"data_offsets":[0,8],"shape":[2],"dtype":"F32"},)"
                            R"("empty":{"dtype":"F16","shape":[0,5],"data_offsets":[8,8]},)"
                            R"("scalar":{"dtype":"I64","shape":[],"data_offsets":[20,28]}}   )",
                            std::string(28, 'x')));
  ASSERT_TRUE(layout.ok()) << layout.error().to_string();
  std::vector<std::string> names;
  for (const TensorInfo& tensor : layout->tensors) names.push_back(tensor.name);
  EXPECT_THAT(names, ElementsAre("a", "empty", "b", "scalar"));
  EXPECT_EQ(layout->tensors[2].dtype, DType::kBF16);
  EXPECT_EQ(layout->tensors[2].shape, (Shape{2, 3}));
}

TEST(Safetensors, FileWithoutTensorsIsValid) { EXPECT_TRUE(read(safetensors_file("{}", "")).ok()); }

TEST(Safetensors, MappedBytesAreThoseOfTheFile) {
  testing::SafetensorsWriter writer;
  writer.add("first", "U8", {3}, "abc");
  writer.add("second", "F32", {1}, "wxyz");
  const testing::TemporaryFolder folder;
  folder.write("m.safetensors", writer.file(1));
  const auto file = SafetensorsFile::open(folder.path() / "m.safetensors");
  ASSERT_TRUE(file.ok()) << file.error().to_string();
  const TensorInfo* second = file->find("second");
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(std::memcmp(file->bytes(*second).data(), "wxyz", 4), 0);
  EXPECT_EQ(file->find("third"), nullptr);
  file->drop_pages(*second);
  EXPECT_EQ(std::memcmp(file->bytes(*second).data(), "wxyz", 4), 0) << "dropped pages come back";
}

struct BadCase {
  const char* what;
  std::string file;
  Code code;
  const char* message;
};

std::string one(const std::string& entry, std::size_t data_bytes = 8) {
  return safetensors_file("{\"t\":" + entry + "}", std::string(data_bytes, 'x'));
}

TEST(Safetensors, LyingFilesAreRefusedWithFileTensorValueAndLimit) {
  const std::string a = R"("a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]})";
  std::string huge_header = safetensors_file("{}", "");
  huge_header[7] = '\x7f';
  std::string over_limit = safetensors_file("{}", "");
  over_limit[3] = '\x10';  // 268 million bytes
  const std::vector<BadCase> cases = {
      {"empty file", "", Code::kDataLoss, "0 bytes are too short"},
      {"7 bytes", "1234567", Code::kDataLoss, "7 bytes are too short"},
      {"header length beyond 63 bits", huge_header, Code::kOutOfRange, "at most 100000000"},
      {"header length beyond the limit", over_limit, Code::kOutOfRange,
       "the header claims 268435458 bytes, accepted: at most 100000000"},
      {"truncated in the header", safetensors_file("{" + a + "}", "").substr(0, 30),
       Code::kDataLoss, "only 22 follow: the file is truncated"},
      {"truncated in the data", safetensors_file("{" + a + "}", "xxx"), Code::kDataLoss,
       "tensor a: data_offsets [0, 4] are not inside the 3 bytes of data"},
      {"no JSON", safetensors_file("hello world", ""), Code::kInvalidArgument, "not valid JSON"},
      {"empty header", safetensors_file("", ""), Code::kInvalidArgument, "not valid JSON"},
      {"JSON is a list", safetensors_file("[1]", ""), Code::kInvalidArgument,
       "the header is not a JSON object"},
      {"header is not UTF-8", safetensors_file("{\"\xff\":{}}", ""), Code::kInvalidArgument,
       "not valid JSON"},
      {"two values", safetensors_file("{}{}", ""), Code::kInvalidArgument, "not valid JSON"},
      {"offset outside", one(R"({"dtype":"U8","shape":[8],"data_offsets":[8,16]})"),
       Code::kDataLoss, "data_offsets [8, 16] are not inside the 8 bytes"},
      {"offset beyond 64 bits",
       one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,99999999999999999999]})"),
       Code::kInvalidArgument, "m/model.safetensors"},
      {"offsets reversed", one(R"({"dtype":"U8","shape":[8],"data_offsets":[8,0]})"),
       Code::kDataLoss, "[8, 0] are not inside"},
      {"negative offset", one(R"({"dtype":"U8","shape":[8],"data_offsets":[-1,7]})"),
       Code::kInvalidArgument, "not two whole numbers >= 0"},
      {"three offsets", one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,4,8]})"),
       Code::kInvalidArgument, "not two whole numbers >= 0"},
      {"size differs from shape", one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
       Code::kDataLoss, "F32 of shape [3] does not take the 8 bytes"},
      {"element count wraps around 64 bits",
       one(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})", 0),
       Code::kInvalidArgument, "tensor t"},
      {"byte count wraps around 64 bits",
       one(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})", 0),
       Code::kDataLoss, "does not take the 0 bytes"},
      {"negative extent", one(R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})"),
       Code::kInvalidArgument, "an extent that is not a whole number"},
      {"nine dimensions", one(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]})"),
       Code::kInvalidArgument, "more than 8 dimensions"},
      {"shape is a string", one(R"({"dtype":"U8","shape":"8","data_offsets":[0,8]})"),
       Code::kInvalidArgument, "shape is not a list"},
      {"unknown dtype", one(R"({"dtype":"Q4","shape":[8],"data_offsets":[0,8]})"),
       Code::kInvalidArgument, "Q4"},
      {"dtype is a number", one(R"({"dtype":4,"shape":[8],"data_offsets":[0,8]})"),
       Code::kInvalidArgument, "dtype is not a string"},
      {"dtype missing", one(R"({"shape":[8],"data_offsets":[0,8]})"), Code::kInvalidArgument,
       "tensor t: dtype is missing"},
      {"shape missing", one(R"({"dtype":"U8","data_offsets":[0,8]})"), Code::kInvalidArgument,
       "tensor t: shape is missing"},
      {"offsets missing", one(R"({"dtype":"U8","shape":[8]})"), Code::kInvalidArgument,
       "tensor t: data_offsets is missing"},
      {"shape twice", one(R"({"dtype":"U8","shape":[8],"shape":[8],"data_offsets":[0,8]})"),
       Code::kDataLoss, "shape is given twice"},
      {"entry is a list", one("[]"), Code::kInvalidArgument, "the entry is not an object"},
      {"name twice", safetensors_file("{" + a + "," + a + "}", "xxxx"), Code::kDataLoss,
       "tensor a is listed twice"},
      {"overlap",
       safetensors_file("{" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
                        "xxxxxx"),
       Code::kDataLoss, "tensor b at [2, 6] overlaps tensor a at [0, 4]"},
      {"same bytes twice",
       safetensors_file("{" + a + R"(,"b":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})",
                        "xxxx"),
       Code::kDataLoss, "overlaps"},
      {"hole in the middle",
       safetensors_file("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[6,8]}})",
                        "xxxxxxxx"),
       Code::kDataLoss, "bytes [4, 6] before tensor b belong to no tensor"},
      {"data after the last tensor", safetensors_file("{" + a + "}", "xxxxxx"), Code::kDataLoss,
       "tensors take 4 bytes, the file has 6"},
      {"metadata is no object of strings", safetensors_file(R"({"__metadata__":{"a":1}})", ""),
       Code::kInvalidArgument, "__metadata__ is not an object of strings"},
      {"metadata twice", safetensors_file(R"({"__metadata__":{},"__metadata__":{}})", ""),
       Code::kInvalidArgument, "__metadata__ is given twice"},
      {"nested too deep",
       safetensors_file("{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}", ""),
       Code::kInvalidArgument, "not valid JSON"},
  };
  for (const BadCase& c : cases) {
    const auto layout = read(c.file);
    ASSERT_FALSE(layout.ok()) << c.what;
    EXPECT_EQ(layout.error().code(), c.code) << c.what << ": " << layout.error().to_string();
    EXPECT_THAT(layout.error().message(), HasSubstr(c.message)) << c.what;
    EXPECT_THAT(layout.error().message(), HasSubstr("m/model.safetensors")) << c.what;
  }
}

TEST(Safetensors, EveryPrefixOfAGoodFileIsRefused) {
  testing::SafetensorsWriter writer;
  writer.add("a", "F32", {2}, "12345678");
  writer.add("b", "BF16", {1, 2}, "abcd");
  const std::string file = writer.file(3);
  ASSERT_TRUE(read(file).ok());
  for (std::size_t length = 0; length < file.size(); ++length) {
    EXPECT_FALSE(read(file.substr(0, length)).ok()) << length;
  }
}

TEST(Safetensors, LongNamesAreShortenedInMessages) {
  const std::string name(5000, 'n');
  const auto layout = read(safetensors_file("{\"" + name + "\":[]}", ""));
  ASSERT_FALSE(layout.ok());
  EXPECT_LT(layout.error().message().size(), 400u);
}

TEST(Safetensors, MissingFileIsNotFound) {
  const auto file = SafetensorsFile::open("/nonexistent/model.safetensors");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace nacelle::model
