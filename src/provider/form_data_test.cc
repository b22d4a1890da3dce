// form_data_test.cc: forms as clients send them, and bodies that only look like one.
#include "provider/form_data.h"

#include <gtest/gtest.h>

namespace nacelle::provider::form {
namespace {

std::string part(std::string_view disposition, std::string_view content) {
  return fmt::format("--b\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n", disposition,
                     content);
}
const std::string kEnd = "--b--\r\n";

TEST(FormData, BoundaryTable) {
  struct Row {
    const char* content_type;
    const char* boundary;  // "" = refused
  };
  for (const Row& row :
       std::vector<Row>{{"multipart/form-data; boundary=b", "b"},
                        {"Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"", "a b"},
                        {"multipart/form-data; x=\"; boundary=no\"; boundary=yes", "yes"},
                        {"multipart/form-data;flag;boundary=b ", "b"},
                        {"multipart/form-data; boundary=\"a\\\"b\"", "a\"b"},
                        {"multipart/form-data", ""},
                        {"multipart/form-data; boundary=", ""},
                        {"multipart/form-data; boundary=\"open", ""},
                        {"multipart/mixed; boundary=b", ""},
                        {"application/json", ""},
                        {"", ""}}) {
    const auto boundary = boundary_of(row.content_type);
    EXPECT_EQ(boundary.ok() ? *boundary : "", row.boundary) << row.content_type;
  }
  EXPECT_FALSE(boundary_of("multipart/form-data; boundary=" + std::string(71, 'b')).ok());
}

TEST(FormData, TheModelIsReadAndReplacedAndNothingElse) {
  const std::string file = std::string("RIFF\r\n--not-it\r\n-b\0x", 21) + std::string(1000, '-');
  const std::string before = part("name=\"file\"; filename=\"a.wav\"", file);
  const std::string after = part("name=stream", "true") + part("name=\"prompt\"", "");
  const std::string body = before + part("name=\"model\"", "whisper-1") + after + kEnd;
  const auto fields = read_fields(body, "b");
  ASSERT_TRUE(fields.ok()) << fields.status().to_string();
  EXPECT_EQ(fields->model, "whisper-1");
  EXPECT_TRUE(fields->stream);
  EXPECT_EQ(replace_model(body, "b", "big"), before + part("name=\"model\"", "big") + after + kEnd);
  EXPECT_EQ(replace_model(body, "b", ""), before + part("name=\"model\"", "") + after + kEnd);
}

TEST(FormData, Table) {
  struct Row {
    const char* name;
    std::string body;
    const char* model;
    bool ok = true;
  };
  const std::string model = part("name=\"model\"", "m");
  for (const Row& row : std::vector<Row>{
           {"a preamble and an epilogue", "hello\r\n" + model + kEnd + "bye", "m"},
           {"white space after the boundary", "--b \t\r\n" + model.substr(5) + kEnd, "m"},
           {"other heads of a part",
            "--b\r\nContent-Type: text/plain\r\ncontent-disposition:form-data;NAME=model\r\n\r\nm"
            "\r\n--b--",
            "m"},
           {"a part without content right before the end",
            "--b\r\nContent-Disposition: form-data; name=model\r\n\r\n--b--", ""},
           {"a file that is named model", part("name=\"model\"; filename=\"x\"", "m") + kEnd, ""},
           {"a head inside a file",
            part("name=\"file\"; filename=\"x\"",
                 "Content-Disposition: form-data; name=\"model\"\r\n\r\nevil") +
                model + kEnd,
            "m"},
           {"no parts", kEnd, ""},
           {"two models", model + model + kEnd, "", false},
           {"another boundary", "--c\r\n" + model.substr(5) + "--c--", "", false},
           {"no end", model, "", false},
           {"cut in a head", "--b\r\nContent-Disposition: form-data; name=\"model\"", "", false},
           {"cut in a content", model.substr(0, model.size() - 2), "", false},
           {"a boundary with a tail", "--bx\r\n" + model.substr(5) + kEnd, "", false},
           {"JSON", R"({"model": "m"})", "", false},
           {"nothing", "", "", false}}) {
    const auto fields = read_fields(row.body, "b");
    EXPECT_EQ(fields.ok(), row.ok) << row.name;
    if (fields.ok()) {
      EXPECT_EQ(fields->model, row.model) << row.name;
    } else {
      EXPECT_EQ(fields.status().code(), Code::kInvalidArgument) << row.name;
    }
  }
}

// Cut anywhere, a body is refused, and never read past its end.
TEST(FormData, EveryPrefixIsRefused) {
  const std::string body = part("name=\"model\"", "m") + part("name=\"stream\"", "false") + "--b--";
  for (std::size_t size = 0; size < body.size(); ++size)
    EXPECT_FALSE(read_fields(std::string(body, 0, size), "b").ok()) << size;
  EXPECT_TRUE(read_fields(body, "b").ok());
}

TEST(FormData, PartsAreBounded) {
  std::string body;
  for (int i = 0; i < 300; ++i) body += part("name=\"x\"", "");
  EXPECT_FALSE(read_fields(body + kEnd, "b").ok());
}

}  // namespace
}  // namespace nacelle::provider::form
